// The network configuration of the bridge, checked completely before anything changes.
import { mapped } from "../list.ts";
import type { Address } from "../ip/address.ts";
import { networkOf, type Prefix } from "../ip/prefix.ts";
import { type Decoded, decodeConfig } from "./decode.ts";
import { CniError } from "./error.ts";
import { type Fields, isFields } from "./keys.ts";
import { checkBridge, checkDataDir, checkMtu, checkName, checkRoutes, checkOneAddressPerFamily } from "./netconf-check.ts";
import { DEFAULT_BRIDGE, DEFAULT_DATA_DIR, NETCONF_KEYS } from "./netconf-keys.ts";
import type { IpamShape } from "./netconf-schema.ts";
import { parseShape } from "./netconf-shape.ts";
import { Problems } from "./problems.ts";
import { parseRangeSets } from "./ranges.ts";
import type { Dns, Result, Route } from "./result.ts";
import { layer2NotExpressible } from "./result-format.ts";
import { readDns, readResult, readRoutes } from "./result-parse.ts";
import { refuseUnsupported } from "./unsupported.ts";
import { compareVersions, type Version } from "./version.ts";

/** What one plugin entry of a conflist asks for. Keys and meaning are those of the reference `bridge`. */
export interface Netconf {
  cniVersion: Version;
  name: string;
  bridge: string;
  /** True as well when `isDefaultGateway` is. */
  isGateway: boolean;
  isDefaultGateway: boolean;
  forceAddress: boolean;
  ipMasq: boolean;
  /** Bytes; 0 leaves the choice to us. */
  mtu: number;
  hairpinMode: boolean;
  promiscMode: boolean;
  /** Undefined: layer 2 only, no addresses. */
  ipam: IpamConfig | undefined;
  dns: Dns | undefined;
  prevResult: Result | undefined;
}

/** Keys and meaning are those of the reference `host-local`. */
export interface IpamConfig {
  type: "host-local";
  /** A pod gets one address of each set. */
  rangeSets: LeaseRange[][];
  routes: Route[];
  /** Absolute path. */
  dataDir: string;
  /** Path of a resolv.conf whose content becomes the result's dns. */
  resolvConf: string | undefined;
  /** True: STATUS fails with code 50 when no address is left. */
  statusWhenFull: boolean;
}

export interface LeaseRange {
  /** Host bits are zero. */
  subnet: Prefix;
  /** Both ends are handed out. */
  first: Address;
  last: Address;
  /** Never handed out; may lie outside of the subnet. */
  gateway: Address;
}

/**
 * The configuration on stdin for ADD, CHECK and STATUS. Throws what decodeConfig throws, then code 2 for what is not
 * supported, then code 7 with everything that is wrong with the values.
 */
export function parseNetconf(text: string, verb: "ADD" | "CHECK" | "STATUS", args: ReadonlyMap<string, string> = new Map()): Netconf {
  const decoded = decodeConfig(text, verb, NETCONF_KEYS);
  refuseUnsupported(decoded.fields, args);
  refuseNetworkList(decoded.fields);
  const problems = new Problems();
  const netconf = readNetconf(decoded, verb, problems);
  problems.throwIfAny(decoded.name);
  const hasAddress = netconf.ipam !== undefined || (netconf.prevResult?.ips.length ?? 0) > 0;
  if (verb === "ADD" && !hasAddress && compareVersions(netconf.cniVersion, "0.3.0") < 0) throw layer2NotExpressible(netconf.cniVersion);
  return netconf;
}

/** A likely mistake by hand: it would be taken for a layer 2 network with all its defaults. */
function refuseNetworkList({ plugins }: Fields): void {
  if (!Array.isArray(plugins)) return;
  throw new CniError("invalidConfig", {
    about: "plugins: this is a whole network list",
    hint: "Send one entry of plugins, with the name and the cniVersion of the list; a runtime does that",
  });
}

function readNetconf({ cniVersion, name, fields }: Decoded, verb: string, problems: Problems): Netconf {
  const shape = parseShape(fields, problems);
  const isDefaultGateway = shape.isDefaultGateway ?? false;
  const ipam = readIpam(shape.ipam, verb === "STATUS" && declaresIpRanges(fields), problems);
  if (ipam !== undefined) checkOneAddressPerFamily(ipam.rangeSets, cniVersion, problems);
  const { dns, prevResult } = fields;
  checkName(name, problems);
  checkBridge(shape.bridge, problems);
  checkMtu(shape.mtu, ipam, problems);
  if (shape.hairpinMode === true && shape.promiscMode === true) {
    problems.add("hairpinMode", true, "cannot set hairpin mode and promiscuous mode at the same time; take one of them out");
  }
  return {
    cniVersion,
    name,
    bridge: shape.bridge ?? DEFAULT_BRIDGE,
    isGateway: isDefaultGateway || (shape.isGateway ?? false),
    isDefaultGateway,
    forceAddress: shape.forceAddress ?? false,
    ipMasq: shape.ipMasq ?? false,
    mtu: shape.mtu ?? 0,
    hairpinMode: shape.hairpinMode ?? false,
    promiscMode: shape.promiscMode ?? false,
    ipam,
    dns: dns === undefined ? undefined : readDns(dns, "dns", problems),
    prevResult: prevResult === undefined || verb === "STATUS" ? undefined : readResult(prevResult, "prevResult", problems),
  };
}

/** Undefined without a type: the network is a plain layer 2 one, as with the reference bridge. */
function readIpam(ipam: IpamShape | undefined, mayLackRanges: boolean, problems: Problems): IpamConfig | undefined {
  if (ipam === undefined || (ipam.type ?? "") === "") return undefined;
  checkDataDir(ipam.dataDir, problems);
  const routes = readRoutes(ipam.routes, "ipam.routes", problems);
  checkRoutes(routes, problems);
  return {
    type: "host-local",
    rangeSets: parseRangeSets(ipam, mayLackRanges, problems),
    // The kernel takes a route's destination without host bits, so that is what the result says too.
    routes: mapped(routes, (route) => ({ ...route, dst: networkOf(route.dst) })),
    dataDir: ipam.dataDir || DEFAULT_DATA_DIR,
    resolvConf: ipam.resolvConf || undefined,
    statusWhenFull: ipam.statusWhenFull ?? false,
  };
}

/** True when ranges come through runtimeConfig, which STATUS does not get. */
function declaresIpRanges({ capabilities }: Fields): boolean {
  return isFields(capabilities) && capabilities["ipRanges"] === true;
}
