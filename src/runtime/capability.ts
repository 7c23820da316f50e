// Arguments for capabilities in the words of a person, as runtimes give them to plugins (CNI conventions,
// "Well-known capabilities").
import type { Fields } from "../cni/keys.ts";
import { macProblem } from "../cni/mac.ts";
import { parseAddress } from "../ip/address.ts";
import { parsePrefix } from "../ip/prefix.ts";

/** The capabilities that a person can give arguments for. */
export type Capability = "portMappings" | "ips" | "mac" | "bandwidth";

const PORT = /^(?:(?:\[([^\]]+)\]|([0-9.]+)):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp|sctp))?$/;

/**
 * A host port: `8080:80`, `8080:80/udp`, `192.0.2.1:8080:80`, `[2001:db8::1]:8080:80`. Undefined for another
 * text.
 */
export function readPortMapping(text: string): Fields | undefined {
  const [, inBrackets, plain, hostText, podText, protocol = "tcp"] = PORT.exec(text) ?? [];
  const [hostPort, containerPort] = [Number(hostText), Number(podText)];
  if (!isPort(hostPort) || !isPort(containerPort)) return undefined;
  const hostIP = inBrackets ?? plain;
  if (hostIP !== undefined && parseAddress(hostIP) === undefined) return undefined;
  return { hostPort, containerPort, protocol, ...(hostIP === undefined ? {} : { hostIP }) };
}

/** True for an address, with or without the length of its subnet. */
export function isRequestedAddress(text: string): boolean {
  return (text.includes("/") ? parsePrefix(text) : parseAddress(text)) !== undefined;
}

/** True for a MAC that an interface can have. */
export function isMac(text: string): boolean {
  return macProblem(text) === undefined;
}

const RATE = /^(\d+(?:\.\d+)?)([kKmMgG]?)$/;
const UNITS: { readonly [unit: string]: number } = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * The burst that runtimes send: with a rate the reference plugin `bandwidth` wants one, and Pontoon chooses a
 * better one in its place.
 */
const BURST = 2_147_483_647;

/**
 * The limits of `IN/OUT`, or of one rate for both directions, in bit/s: `10M/5M`, `1G`, `0/5M`, where 0 is no
 * limit. Undefined for another text.
 */
export function readRates(text: string): Fields | undefined {
  const [into, out = into, ...rest] = text.split("/");
  const [ingressRate, egressRate] = [rateOf(into), rateOf(out)];
  if (rest.length > 0 || ingressRate === undefined || egressRate === undefined) return undefined;
  return {
    ...(ingressRate === 0 ? {} : { ingressRate, ingressBurst: BURST }),
    ...(egressRate === 0 ? {} : { egressRate, egressBurst: BURST }),
  };
}

function rateOf(text = ""): number | undefined {
  const [, number, unit = ""] = RATE.exec(text) ?? [];
  if (number === undefined) return undefined;
  const rate = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? 1));
  return Number.isSafeInteger(rate) ? rate : undefined;
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
