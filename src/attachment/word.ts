// A word of a person and the things that it means: a pod, a container, a network, an interface, an address, a
// port of the node. Each command that takes such a word understands it by this. Pure.
import { type Address, parseAddress, sameAddress } from "../ip/address.ts";

/** The ways in which people call a thing. */
export interface Called {
  /** With its Kubernetes namespace, `default/web`; the part behind the slash is a name, too. */
  pod: string | undefined;
  /** Other names, each a whole word: its network, its interface on the node, its state. */
  names?: readonly (string | undefined)[];
  /** The path of the pod's network namespace; its last part is a name, too. */
  namespace?: string | undefined;
  containerId: string | undefined;
  addresses: readonly Address[];
  /** The ports of the node that lead to it. */
  ports: readonly PortRange[];
}

/** Ports of the node. */
export interface PortRange {
  protocol: string;
  hostPort: number;
  hostPortEnd: number;
}

/** The shortest beginning of a container id that counts: shorter ones are typing mistakes. */
const LEAST_OF_ID = 4;

/**
 * The things that a word means. The first way that means any counts, in this order: a name or a whole
 * container id, a port, an address, the beginning of a container id, and with `hasParts` a part of a pod's
 * name.
 */
export function meantBy<T>(
  word: string,
  things: readonly T[],
  { calledOf, hasParts }: { calledOf(thing: T): Called; hasParts: boolean },
): T[] {
  const called = things.map((thing) => ({ thing, by: calledOf(thing) }));
  for (const isMeant of [isNamed, hasPort, hasAddress, isBegun, ...(hasParts ? [isPartly] : [])]) {
    const found = called.filter(({ by }) => isMeant(by, word));
    if (found.length > 0) return found.map(({ thing }) => thing);
  }
  return [];
}

/** True for a container id that the word is, or begins. */
export function isNamedById(containerId: string, word: string): boolean {
  return containerId === word || (word.length >= LEAST_OF_ID && containerId.startsWith(word));
}

/** A port of the node, as a person writes it. */
export interface AskedPort {
  port: number;
  /** Undefined: each protocol. */
  protocol: string | undefined;
}

/** Reads `8080`, `:8080`, `8080/udp`; undefined for anything else. */
export function readPort(word: string): AskedPort | undefined {
  const [, digits, protocol] = /^:?([1-9]\d{0,4})(?:\/(tcp|udp|sctp))?$/.exec(word) ?? [];
  const port = Number(digits);
  return digits === undefined || port > 65_535 ? undefined : { port, protocol };
}

/** True for a port that is in the range. */
export function isPortOf(range: PortRange, { port, protocol }: AskedPort): boolean {
  const isIn = range.hostPort <= port && port <= range.hostPortEnd;
  return isIn && (protocol === undefined || protocol === range.protocol);
}

function isNamed({ pod, names = [], namespace, containerId }: Called, word: string): boolean {
  if (word === "") return false;
  return (
    [pod, namespace, containerId, ...names].includes(word) ||
    [pod, namespace].some((path) => path?.endsWith(`/${word}`) === true)
  );
}

function hasPort({ ports }: Called, word: string): boolean {
  const asked = readPort(word);
  return asked !== undefined && ports.some((range) => isPortOf(range, asked));
}

/** An address, with or without the length of its subnet. */
function hasAddress({ addresses }: Called, word: string): boolean {
  const wanted = parseAddress(word.replace(/\/\d+$/, ""));
  return wanted !== undefined && addresses.some((address) => sameAddress(address, wanted));
}

function isBegun({ containerId = "" }: Called, word: string): boolean {
  return isNamedById(containerId, word);
}

function isPartly({ pod }: Called, word: string): boolean {
  return pod?.includes(word) === true;
}
