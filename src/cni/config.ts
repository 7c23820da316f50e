// The network configuration of the bridge, checked completely before anything changes.
import type { Address } from "../ip/address.ts";
import { checkIpamOfWay } from "./attach.ts";
import { type BandwidthConfig, readBandwidth } from "./bandwidth.ts";
import { type BridgeConfig, readBridge } from "./bridge-config.ts";
import { type Decoded, decodeConfig } from "./decode.ts";
import { type DeviceConfig, type DeviceRules, declaresDeviceId, readDevice } from "./device-config.ts";
import { CniError } from "./error.ts";
import { type HostPortConfig, readHostPorts } from "./host-port-config.ts";
import {
  checkForeignIpam,
  declaresIpRanges,
  foreignIpamOf,
  type IpamConfig,
  readIpam,
} from "./ipam-config.ts";
import type { Fields } from "./keys.ts";
import { checkLog } from "./log-config.ts";
import { readMac } from "./mac.ts";
import { type MisspeltKey, misspeltKeys, UnreadKeys } from "./misspelt.ts";
import {
  checkMtu,
  checkName,
  checkOneAddressPerFamily,
  isBridgeName,
  refuseAddressCheck,
  refuseContainerInterface,
} from "./netconf-check.ts";
import { NETCONF, NETCONF_KEYS } from "./netconf-keys.ts";
import { Problems } from "./problems.ts";
import type { Dns, Result } from "./result.ts";
import { layer2NotExpressible } from "./result-format.ts";
import { readDns, readResult } from "./result-parse.ts";
import { meantForUs, NO_REQUESTS, readRequests, withoutIpam } from "./runtime-config.ts";
import { parseShape } from "./shape.ts";
import { readTuning, type TuningConfig } from "./tuning.ts";
import { refuseUnsupported } from "./unsupported.ts";
import { compareVersions, type Version } from "./version.ts";
import { checkGatewayInterface } from "./vlan.ts";

/** The settings of one plugin entry of a conflist. */
export interface Netconf extends BridgeConfig {
  cniVersion: Version;
  name: string;
  /** The device that the pod gets; undefined: it gets none. */
  device: DeviceConfig | undefined;
  /** Undefined: layer 2 only, no addresses, unless `foreignIpam` gives them. */
  ipam: IpamConfig | undefined;
  /**
   * The plugin that gives the addresses, if not the built-in one: a name in CNI_PATH or an absolute path.
   * `ipam` is then undefined.
   */
  foreignIpam: string | undefined;
  /** Addresses that the built-in IPAM is asked for, each one once. */
  requestedAddresses: Address[];
  /** The MAC that the pod is to have, in lower case with colons. */
  mac: string | undefined;
  /** Undefined: the pod sends and receives as much as it can. */
  bandwidth: BandwidthConfig | undefined;
  /** Undefined: nothing beyond addresses and routes is set inside the pod. */
  tuning: TuningConfig | undefined;
  /** Packets from the pod's addresses in this network leave by this network's interface. */
  sourceBasedRouting: boolean;
  dns: Dns | undefined;
  /** Undefined: none were asked for. */
  hostPorts: HostPortConfig | undefined;
  prevResult: Result | undefined;
  /** The keys that nobody reads and that look like others; for ADD alone. */
  misspelt: MisspeltKey[];
}

/**
 * The configuration on stdin for ADD, CHECK and STATUS. Throws CniError: as {@link decodeConfig} does, code 4
 * for a request in CNI_ARGS that cannot be read, code 7 with all wrong values, code 2 for unsupported
 * features.
 */
export function parseNetconf(
  text: string,
  verb: "ADD" | "CHECK" | "STATUS",
  args: ReadonlyMap<string, string> = new Map(),
): Netconf {
  const unread = new UnreadKeys();
  const decoded = decodeConfig(text, verb, { known: NETCONF_KEYS, onUnread: unread.note });
  refuseNetworkList(decoded.fields);
  const problems = new Problems();
  const netconf = readNetconf(decoded, { verb, args, unread }, problems);
  problems.throwIfAny(decoded.name, netconf.misspelt);
  refuseUnsupported(decoded.fields);
  const hasAddress =
    netconf.ipam !== undefined ||
    netconf.foreignIpam !== undefined ||
    (netconf.prevResult?.ips.length ?? 0) > 0;
  if (verb === "ADD" && !hasAddress && compareVersions(netconf.cniVersion, "0.3.0") < 0)
    throw layer2NotExpressible(netconf.cniVersion);
  return netconf;
}

/**
 * Refuses a whole network list, a likely mistake by hand: it would pass for a layer 2 network with all
 * defaults.
 */
function refuseNetworkList({ plugins }: Fields): void {
  if (!Array.isArray(plugins)) return;
  throw new CniError("invalidConfig", {
    about: "plugins: this is a whole network list",
    hint: "Send one entry of plugins, with the name and the cniVersion of the list; a runtime does that",
    path: "plugins",
  });
}

/** The rest of a call beside the fields of its configuration. */
interface Call {
  verb: string;
  /** CNI_ARGS. */
  args: ReadonlyMap<string, string>;
  /** The keys of the configuration that nobody reads. */
  unread: UnreadKeys;
}

function readNetconf(
  { cniVersion, name, fields }: Decoded,
  { verb, args, unread }: Call,
  problems: Problems,
): Netconf {
  const foreignIpam = foreignIpamOf(fields);
  const shape = parseShape(ownFields(fields, foreignIpam !== undefined), NETCONF, problems);
  const rules = {
    mayLackRanges: verb === "STATUS" && declaresIpRanges(fields),
    isForPods: verb !== "CHECK",
  };
  const ipam = readIpam(shape, rules, problems);
  if (ipam !== undefined) checkOneAddressPerFamily(ipam.rangeSets, cniVersion, problems);
  if (foreignIpam !== undefined) checkForeignIpam(foreignIpam, problems);
  const bridge = readBridge(shape, problems);
  const isAsked =
    shape.runtimeConfig !== undefined || shape.args !== undefined || args.has("MAC") || args.has("IP");
  const requests = isAsked ? readRequests({ shape, args }, foreignIpam === undefined, problems) : NO_REQUESTS;
  const { prevResult } = fields;
  checkName(name, problems);
  checkLog(shape, problems);
  checkMtu(bridge.mtu, ipam?.rangeSets ?? [], problems);
  checkIpamOfWay(bridge.attach, { hasIpam: ipam !== undefined, foreignIpam }, problems);
  if (ipam !== undefined || foreignIpam !== undefined) checkBesideIpam(bridge, problems);
  else if (bridge.ipspoofchk) refuseAddressCheck(problems);
  return {
    cniVersion,
    name,
    ...bridge,
    device: readDevice(shape, deviceRules(bridge, verb, fields), problems),
    ipam,
    foreignIpam,
    requestedAddresses: requests.addresses,
    mac:
      requests.mac ??
      (shape.mac === undefined || shape.mac === "" ? undefined : readMac(shape.mac, "mac", problems)),
    bandwidth: readBandwidth(shape, problems),
    tuning: readTuning(shape, problems),
    sourceBasedRouting: shape.sourceBasedRouting ?? false,
    hostPorts: readHostPorts(shape, problems),
    dns: requests.dns ?? (shape.dns === undefined ? undefined : readDns(shape.dns, "dns", problems)),
    prevResult:
      prevResult === undefined || verb === "STATUS"
        ? undefined
        : readResult(prevResult, "prevResult", problems),
    misspelt: verb === "ADD" ? misspeltKeys(unread, foreignIpam !== undefined) : [],
  };
}

/** A CHECK compares with the record, and a STATUS may not get what the runtime says at each ADD. */
function deviceRules({ attach }: BridgeConfig, verb: string, fields: Fields): DeviceRules {
  return { attach, mayLackDevice: verb === "CHECK" || (verb === "STATUS" && declaresDeviceId(fields)) };
}

/** Checks keys of the bridge that are wrong only in a network where pods get addresses. */
function checkBesideIpam(
  { disableContainerInterface, bridge, vlan, gatewayInterface }: BridgeConfig,
  problems: Problems,
): void {
  if (disableContainerInterface) refuseContainerInterface(problems);
  // A name that is too long by itself was reported.
  if (vlan !== 0 && gatewayInterface !== undefined && isBridgeName(bridge))
    checkGatewayInterface({ bridge, vlan, gatewayInterface }, problems);
}

/** The fields that belong to Pontoon, not to a foreign IPAM plugin. */
function ownFields(fields: Fields, isForeignIpam: boolean): Fields {
  const meant =
    fields["args"] === undefined && fields["runtimeConfig"] === undefined ? fields : meantForUs(fields);
  return isForeignIpam ? withoutIpam(meant) : meant;
}
