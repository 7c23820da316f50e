// Remarks about a network that only its node can make: programs that are not there, and subnets that other
// interfaces have.
import { PONTOON } from "../../cni/about.ts";
import { typeOf } from "../../cni/chain.ts";
import type { Netconf } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import { type Fields, isFields, normaliseKeys, placeBelow } from "../../cni/keys.ts";
import { quote } from "../../cni/problems.ts";
import { foreseeBridge } from "../../host/kind/bridge/bridge.ts";
import { foreseeGateway } from "../../host/kind/gateway/gateway.ts";
import { foreseeSubnet } from "../../host/kind/host-route/first.ts";
import type { Node } from "../../host/node.ts";
import { gatewayStepOf, subnetsOfRanges } from "../../plan/foresight.ts";
import { fileStatus } from "../../sys/status.ts";
import { pathIn } from "../network/folder.ts";
import { headOf, type Network, ourEntries } from "../network/network.ts";
import { leavesRangesToRuntime, readEntry } from "../network/refusal.ts";
import type { Remark } from "./finding.ts";

/** An entry of Pontoon that an ADD takes, with its place. */
export interface ReadEntry {
  netconf: Netconf;
  entry: Fields;
  path: string;
}

/** The entries of Pontoon that an ADD takes and that name their ranges. */
export function readEntries(network: Network): ReadEntry[] {
  return ourEntries(network).flatMap(({ entry, path }) => {
    if (leavesRangesToRuntime(entry)) return [];
    const netconf = readEntry(entry, headOf(network));
    return netconf instanceof CniError ? [] : [{ netconf, entry, path }];
  });
}

/** Warnings for what an ADD of these entries would stumble over, as things are. Throws SystemError. */
export function interfaceRemarks(entries: readonly ReadEntry[], node: Node): Remark[] {
  return entries.flatMap((each) => bridgeRemark(each, node) ?? subnetRemarks(each, node));
}

/** Warnings for files that an ADD reads and that are not there. Throws SystemError. */
export function fileRemarks(entries: readonly ReadEntry[]): Remark[] {
  return entries.flatMap(({ netconf: { ipam }, path }) => {
    const file = ipam?.resolvConf;
    if (file === undefined || fileStatus(file)?.kind === "file") return [];
    const at = placeBelow(path, "ipam.resolvConf");
    return [{ severity: "warning", path: at, message: `${at} ${quote(file)}: there is no such file` }];
  });
}

/** A warning for an interface that has the bridge's name and is no bridge. */
function bridgeRemark({ netconf: { attach, bridge }, path }: ReadEntry, node: Node): Remark[] | undefined {
  const refusal = attach === "bridge" ? foreseeBridge(bridge, node) : undefined;
  return refusal && [warning(placeBelow(path, "bridge"), refusal)];
}

/** Warnings for subnets that another interface has, and notes about those that only touch one. */
function subnetRemarks({ netconf, entry, path }: ReadEntry, node: Node): Remark[] {
  const step = gatewayStepOf(netconf);
  return subnetsOfRanges(netconf).flatMap(({ address, set, range }) => {
    const { refusal, notices } =
      step === undefined ? foreseeSubnet(netconf.name, address, node) : foreseeGateway(step, address, node);
    const at = placeBelow(path, subnetPath(entry, set, range));
    const notes = notices.map((message): Remark => ({ severity: "note", path: at, message }));
    return refusal === undefined ? notes : [...notes, warning(at, refusal)];
  });
}

function warning(path: string, { message, parts: { cause, hint } }: CniError): Remark {
  return { severity: "warning", path, message: cause === undefined ? message : `${message}: ${cause}`, hint };
}

/** The key path of a range's subnet: the old form of a range stands in front of the list. */
function subnetPath(entry: Fields, set: number, range: number): string {
  const { ipam } = normaliseKeys(entry, { ipam: { subnet: true } }) as Fields;
  const hasOld = isFields(ipam) && ipam["subnet"] !== undefined;
  if (hasOld && set === 0) return "ipam.subnet";
  return `ipam.ranges[${hasOld ? set - 1 : set}][${range}].subnet`;
}

/** A plugin that a runtime, or another plugin, starts, and the key path that names it. */
interface Needed {
  name: string;
  path: string;
}

/** The folders in which a runtime looks for plugins, as far as they are there. Throws SystemError. */
export function foldersThere(folders: readonly string[]): string[] {
  return folders.filter((folder) => fileStatus(folder)?.kind === "directory");
}

/** Warnings for plugins that are in none of the folders, or cannot be run there. Throws SystemError. */
export function programRemarks({ chain }: Network, folders: readonly string[]): Remark[] {
  return chain
    .flatMap(({ entry, path }) => neededBy(entry, path))
    .flatMap((needed) => programRemark(needed, folders) ?? []);
}

/** The plugin of an entry, and the IPAM plugin that it asks. Pontoon's own `host-local` is no program. */
function neededBy(entry: Fields, path: string): Needed[] {
  const { ipam } = normaliseKeys(entry, { ipam: { type: true } }) as Fields;
  const type = typeOf(entry);
  const needed = type === "" ? [] : [{ name: type, path: placeBelow(path, "type") }];
  const asked = isFields(ipam) ? ipam["type"] : undefined;
  if (typeof asked !== "string" || asked === "" || (type === PONTOON && asked === "host-local"))
    return needed;
  return [...needed, { name: asked, path: placeBelow(path, "ipam.type") }];
}

function programRemark({ name, path }: Needed, folders: readonly string[]): Remark | undefined {
  const subject = `${path} ${quote(name)}`;
  const candidates = name.startsWith("/")
    ? [name]
    : name.includes("/")
      ? []
      : folders.map((folder) => pathIn(folder, name));
  const found = candidates.find((each) => fileStatus(each)?.kind === "file");
  if (found === undefined) {
    const where = name.startsWith("/")
      ? "there is no such file"
      : `no such program is in ${folders.join(", ")}`;
    const hint =
      name === PONTOON
        ? 'Install it with "pontoon install", or name the runtime\'s folder with --bin-dir'
        : "Install the plugin, or name the runtime's folder with --bin-dir";
    return { severity: "warning", path, message: `${subject}: ${where}`, hint };
  }
  const mode = fileStatus(found)?.mode ?? 0;
  if ((mode & 0o111) !== 0) return undefined;
  return {
    severity: "warning",
    path,
    message: `${subject}: ${found} cannot be run, its mode is ${mode.toString(8).padStart(4, "0")}`,
    hint: `Make it executable with "chmod 755 ${found}"`,
  };
}
