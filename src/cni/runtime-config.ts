// The requests for one attachment rather than for its network: `runtimeConfig`, `args.cni` and CNI_ARGS.
import { type Address, parseAddress, sameAddress } from "../ip/address.ts";
import { parsePrefix } from "../ip/prefix.ts";
import { CniError } from "./error.ts";
import { type Fields, isFields } from "./keys.ts";
import { macProblem, readMac } from "./mac.ts";
import type { Shape } from "./netconf-keys.ts";
import { type Problems, quote } from "./problems.ts";
import { type Dns, isEmptyDns } from "./result.ts";

export interface Requests {
  /** Lower case with colons. */
  mac: string | undefined;
  /** The requested addresses, each once. */
  addresses: Address[];
  /** The dns of the request; undefined when the network's own counts. */
  dns: Dns | undefined;
}

export const NO_REQUESTS: Requests = { mac: undefined, addresses: [], dns: undefined };

/** Where one attachment's requests stand. */
interface RequestSources {
  /** The configuration, with `runtimeConfig` and `args.cni`. */
  shape: Shape;
  /** CNI_ARGS. */
  args: ReadonlyMap<string, string>;
}

/**
 * The requests in a configuration. runtimeConfig.mac counts before args.cni.mac, and that before MAC in
 * CNI_ARGS, as in the reference bridge; addresses of all three add up, as in the reference host-local.
 * `withAddresses`: false when a foreign IPAM plugin gives the addresses, since it may take other forms of
 * requests. Throws CniError 4 for a value in CNI_ARGS.
 */
export function readRequests(sources: RequestSources, withAddresses: boolean, problems: Problems): Requests {
  const { servers, searches, options } = sources.shape.runtimeConfig?.dns ?? {};
  const dns: Dns = {
    ...(servers && { nameservers: servers }),
    ...(searches && { search: searches }),
    ...(options && { options }),
  };
  return {
    mac: requestedMac(sources, problems),
    addresses: withAddresses ? requestedAddresses(sources, problems) : [],
    dns: isEmptyDns(dns) ? undefined : dns,
  };
}

/**
 * The fields in the shape that Pontoon reads. A member of `args` that is no object is dropped, since `args`
 * may hold anything for any program (CNI conventions); a flat list of ranges, as go-cni sends it, becomes one
 * set of each family.
 */
export function meantForUs(fields: Fields): Fields {
  const { args, runtimeConfig } = fields;
  const meant: { [key: string]: unknown } = { ...fields };
  if (!isFields(args) || !isFields(args["cni"])) delete meant["args"];
  if (isFields(runtimeConfig) && isFlat(runtimeConfig["ipRanges"])) {
    meant["runtimeConfig"] = { ...runtimeConfig, ipRanges: setsOf(runtimeConfig["ipRanges"]) };
  }
  return meant;
}

/** The fields without those of a foreign IPAM plugin, which may have any form. */
export function withoutIpam(fields: Fields): Fields {
  const { ipam: _, args, runtimeConfig, ...others } = fields;
  const kept: { [key: string]: unknown } = others;
  const { cni } = isFields(args) ? args : {};
  if (isFields(cni)) kept["args"] = { cni: { mac: cni["mac"], sysctl: cni["sysctl"] } };
  if (isFields(runtimeConfig))
    kept["runtimeConfig"] = {
      mac: runtimeConfig["mac"],
      dns: runtimeConfig["dns"],
      bandwidth: runtimeConfig["bandwidth"],
      portMappings: runtimeConfig["portMappings"],
      deviceID: runtimeConfig["deviceID"],
    };
  else if (runtimeConfig !== undefined) kept["runtimeConfig"] = runtimeConfig;
  return kept;
}

function isFlat(ranges: unknown): ranges is Fields[] {
  return Array.isArray(ranges) && ranges.length > 0 && ranges.every(isFields);
}

/** The ranges as sets of one family each: a pod gets one address of each set. */
function setsOf(ranges: Fields[]): Fields[][] {
  const isIpv6 = ({ subnet }: Fields): boolean => typeof subnet === "string" && subnet.includes(":");
  const sets = [ranges.filter((range) => !isIpv6(range)), ranges.filter(isIpv6)];
  return sets.filter((set) => set.length > 0);
}

/** The MAC of the request that counts; others are not looked at. */
function requestedMac({ shape, args }: RequestSources, problems: Problems): string | undefined {
  const fromRuntime = shape.runtimeConfig?.mac ?? "";
  const fromConfig = shape.args?.cni?.mac ?? "";
  const fromArgs = args.get("MAC") ?? "";
  if (fromRuntime !== "") return readMac(fromRuntime, "runtimeConfig.mac", problems);
  if (fromConfig !== "") return readMac(fromConfig, "args.cni.mac", problems);
  if (fromArgs === "") return undefined;
  const problem = macProblem(fromArgs);
  if (problem !== undefined) throw badArgument("MAC", fromArgs, problem);
  return readMac(fromArgs, "CNI_ARGS", problems);
}

function requestedAddresses({ shape, args }: RequestSources, problems: Problems): Address[] {
  const addresses: Address[] = [];
  const add = (address: Address): void => {
    if (!addresses.some((known) => sameAddress(known, address))) addresses.push(address);
  };
  for (const [path, texts] of [
    ["runtimeConfig.ips", shape.runtimeConfig?.ips ?? []],
    ["args.cni.ips", shape.args?.cni?.ips ?? []],
  ] as const) {
    texts.forEach((text, index) => {
      const address = readRequested(text);
      if (address === undefined) problems.add(`${path}[${index}]`, text, NO_ADDRESS);
      else add(address);
    });
  }
  const fromArgs = args.get("IP") ?? "";
  if (fromArgs === "") return addresses;
  const address = readRequested(fromArgs);
  if (address === undefined) throw badArgument("IP", fromArgs, NO_ADDRESS);
  add(address);
  return addresses;
}

const NO_ADDRESS = "cannot understand ip; it must be an address, as in 10.1.0.5 or 10.1.0.5/16";

/** The address of a text with or without a prefix length. The length is ignored: that of the range counts. */
function readRequested(text: string): Address | undefined {
  return text.includes("/") ? parsePrefix(text)?.address : parseAddress(text);
}

function badArgument(key: string, value: string, problem: string): CniError {
  return new CniError("badEnvironment", {
    about: `CNI_ARGS ${key} ${quote(value)}: ${problem}`,
    hint: `Correct ${key} in CNI_ARGS, or take it out`,
  });
}
