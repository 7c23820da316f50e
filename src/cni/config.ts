// The network configuration of the bridge, checked completely before anything changes.
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { Dns, Result, Route } from "./result.ts";
import type { Version } from "./version.ts";

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
