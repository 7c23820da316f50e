// The `ipam` section: the built-in host-local, or the name of another plugin that gives the addresses.
import { networkOf } from "../ip/prefix.ts";
import type { LeaseRange } from "../ip/range.ts";
import { isWithoutGateway, wayOf } from "./attach.ts";
import { type Fields, isFields } from "./keys.ts";
import { hasUnprintable, isPlainName } from "./name.ts";
import { checkDataDir } from "./netconf-check.ts";
import { DEFAULT_DATA_DIR, type IpamShape, type Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";
import { parseRangeSets } from "./ranges.ts";
import type { Route } from "./result.ts";
import { readRoutes } from "./result-parse.ts";
import { checkRoutes } from "./route-check.ts";

/** The section `ipam` of the built-in plugin; keys and meaning are those of the reference `host-local`. */
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

/** The rules that depend on the verb. */
interface IpamRules {
  /** True: ranges may come by runtimeConfig, which this call does not get. */
  mayLackRanges: boolean;
  /**
   * True: pods are to be attached by the section, so that settings by which they would not be reached are
   * problems. A CHECK takes them: they are no change of an attachment that an earlier release has made.
   */
  isForPods: boolean;
}

/**
 * The settings of the built-in IPAM. Undefined without a type: the network is a plain layer 2 network, as
 * with the reference bridge.
 */
export function readIpam(
  shape: Shape,
  { mayLackRanges, isForPods }: IpamRules,
  problems: Problems,
): IpamConfig | undefined {
  const { ipam } = shape;
  if (ipam === undefined) return undefined;
  if ((ipam.type ?? "") === "") {
    if (isForPods) checkNothingAsked(ipam, problems);
    return undefined;
  }
  checkDataDir(ipam.dataDir, problems);
  const isGateway = shape.isGateway === true || shape.isDefaultGateway === true;
  const gatewayInSubnet = isForPods && isGateway && wayOf(shape.attach) === "bridge";
  const hasGateways = !isWithoutGateway(shape.attach);
  const routes = readRoutes(ipam.routes, "ipam.routes", problems);
  checkRoutes(routes, problems);
  return {
    type: "host-local",
    rangeSets: parseRangeSets(shape, { mayBeEmpty: mayLackRanges, gatewayInSubnet, hasGateways }, problems),
    // Destinations without host bits: the kernel takes routes so, and the result says the equal text.
    routes: routes.map((route) => ({ ...route, dst: networkOf(route.dst) })),
    dataDir: ipam.dataDir || DEFAULT_DATA_DIR,
    resolvConf: ipam.resolvConf || undefined,
    statusWhenFull: ipam.statusWhenFull ?? false,
  };
}

/**
 * Reports ranges that no IPAM plugin is asked for: the pod would be without an address. Without them a
 * section without a type is a network without addresses.
 */
function checkNothingAsked({ subnet, ranges = [] }: IpamShape, problems: Problems): void {
  if ((subnet === undefined && ranges.length === 0) || problems.concern("ipam")) return;
  const key = subnet === undefined ? "ranges" : "subnet";
  problems.addAt(
    "ipam.type",
    `is missing beside "${key}"; set it to "host-local", or take "${key}" out for a network without addresses`,
  );
}

/** The text of `ipam.type` where it names a plugin that is not built in; it is not checked yet. */
export function foreignIpamOf({ ipam }: Fields): string | undefined {
  if (!isFields(ipam)) return undefined;
  const { type } = ipam;
  return typeof type !== "string" || type === "" || type === "host-local" ? undefined : type;
}

/** True for the name of a program in CNI_PATH, and for an absolute path. */
export function isPluginName(name: string): boolean {
  return isPlainName(name) || (name.startsWith("/") && !name.endsWith("/") && !hasUnprintable(name));
}

/** Reports a type of IPAM that can be no plugin's. */
export function checkForeignIpam(name: string, problems: Problems): void {
  if (isPluginName(name)) return;
  problems.add(
    "ipam.type",
    name,
    'must be "host-local", the name of a plugin in CNI_PATH, as in "static", or an absolute path, as in "/opt/cni/bin/host-local"',
  );
}

/** True when ranges come through runtimeConfig, which STATUS does not get. */
export function declaresIpRanges({ capabilities }: Fields): boolean {
  return isFields(capabilities) && capabilities["ipRanges"] === true;
}
