// Remarks about a configuration that every reader takes and that its writer may have meant otherwise.
import { PONTOON } from "../../cni/about.ts";
import { wayOf } from "../../cni/attach.ts";
import { type Placed, typeOf } from "../../cni/chain.ts";
import { type Fields, isFields, normaliseKeys, placeBelow } from "../../cni/keys.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";
import { quote } from "../../cni/problems.ts";
import { distance } from "../../cni/similar.ts";
import { NEWEST_VERSION, versionOrNewest } from "../../cni/version.ts";
import { type Network, ourEntries } from "../network/network.ts";
import type { Remark } from "./finding.ts";

/** The remarks about a network that are not about this node. */
export function remarksOf(network: Network): Remark[] {
  const ours = ourEntries(network);
  if (ours.length === 0) return ofOthers(network.chain);
  const { chain } = network;
  return [
    ...misspeltTypes(chain),
    ...aboutStatus(network),
    ...aboutHostPorts(chain, ours),
    ...aboutTwice(chain, ours),
  ];
}

/** A configuration without an entry of Pontoon: for other plugins, or for one whose name is misspelt. */
function ofOthers(chain: readonly Placed[]): Remark[] {
  const misspelt = misspeltTypes(chain);
  if (misspelt.length > 0 || chain.every(({ entry }) => typeOf(entry) === "")) return misspelt;
  const types = chain.map(({ entry }) => quote(typeOf(entry))).join(", ");
  return [
    {
      severity: "note",
      path: "",
      message: `no plugin in it is "${PONTOON}" (${types}), so nobody here reads its entries`,
      hint: 'Make one entry of a chain of the reference plugins with "pontoon migrate"',
    },
  ];
}

/** The names of plugins that look like those which this program is. */
function misspeltTypes(chain: readonly Placed[]): Remark[] {
  return chain.flatMap(({ entry, path }) => {
    const type = misspelt(placeBelow(path, "type"), typeOf(entry), PONTOON);
    const { ipam } = normaliseKeys(entry, { ipam: { type: true } }) as Fields;
    const asked = isFields(ipam) ? ipam["type"] : undefined;
    return [...type, ...misspelt(placeBelow(path, "ipam.type"), asked, HOST_LOCAL)];
  });
}

const HOST_LOCAL = "host-local";

function misspelt(path: string, name: unknown, meant: string): Remark[] {
  if (typeof name !== "string" || name === meant || distance(name.toLowerCase(), meant, 2) > 2) return [];
  return [{ severity: "error", path, message: `${path} ${quote(name)}: did you mean "${meant}"?`, meant }];
}

/** STATUS came with CNI 1.1.0; a runtime asks for it by the newest version of the configuration alone. */
function aboutStatus({ config, isList }: Network): Remark[] {
  const { cniVersion, cniVersions } = config;
  const versions = [cniVersion, ...(isList && Array.isArray(cniVersions) ? (cniVersions as unknown[]) : [])];
  // A version that is none has been told.
  const isNone = cniVersion !== undefined && versionOrNewest(cniVersion) !== cniVersion;
  if (isNone || versions.includes(NEWEST_VERSION)) return [];
  const has = cniVersion === undefined ? "no cniVersion" : `cniVersion ${quote(cniVersion)}`;
  return [
    {
      severity: "note",
      path: "cniVersion",
      message: `${has} alone: STATUS and GC came with ${NEWEST_VERSION}, so no runtime asks Pontoon for them`,
      hint: isList
        ? `Add "cniVersions": ["1.0.0", "${NEWEST_VERSION}"], which older runtimes skip`
        : `Make it a list (.conflist) with "cniVersions": ["1.0.0", "${NEWEST_VERSION}"]`,
    },
  ];
}

/** A runtime tells host ports to plugins with the capability alone, and says nothing where there is none. */
function aboutHostPorts(chain: readonly Placed[], ours: readonly Placed[]): Remark[] {
  if (chain.some(({ entry }) => hasCapability(entry, "portMappings"))) return [];
  return ours
    .filter(({ entry }) => leadsHostPorts(entry))
    .map(({ path }) => ({
      severity: "note",
      path: path === "" ? "capabilities" : `${path}.capabilities`,
      message: `no capability "portMappings": a runtime drops host ports of pods without a word`,
      hint: 'Add "capabilities": { "portMappings": true }',
    }));
}

/** A runtime hands a request to every plugin with its capability, and these two are done by each of them. */
function aboutTwice(chain: readonly Placed[], ours: readonly Placed[]): Remark[] {
  const others = chain.filter((placed) => !ours.some(({ path }) => path === placed.path));
  return ["portMappings", "bandwidth"].flatMap((name) =>
    ours.some(({ entry }) => hasCapability(entry, name))
      ? others
          .filter(({ entry }) => hasCapability(entry, name))
          .map(({ entry, path }) => ({
            severity: "note",
            path: `${path}.capabilities.${name}`,
            message: `"${PONTOON}" has the capability "${name}" too, so both it and ${quote(typeOf(entry))} do that`,
            hint: "Take the capability out of one of them, or the other plugin out of the list",
          }))
      : [],
  );
}

function hasCapability(entry: Fields, name: string): boolean {
  const { capabilities } = normaliseKeys(entry, { capabilities: true }) as Fields;
  return isFields(capabilities) && capabilities[name] === true;
}

/** True for an entry whose pods have addresses on a way by which host ports can lead to them. */
function leadsHostPorts(entry: Fields): boolean {
  const { attach, ipam } = normaliseKeys(entry, NETCONF_KEYS) as Fields;
  const way = wayOf(attach);
  return isFields(ipam) && ipam["type"] !== undefined && (way === "bridge" || way === "ptp");
}
