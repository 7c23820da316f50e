// The free end of a wire (attach: wire): the end of its veth pair that no pod has, parked on the node. Name
// and alias tell the network and the pod at the other end, so that a DEL without a record knows whose it is.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { sha256 } from "../sys/hash.ts";
import { ALIAS_BYTES, printable } from "./name.ts";

/** The name of the free end of a network's wire: 15 characters, made from the network's name. */
export function freeEndName(network: string): string {
  return `wire${sha256(network).slice(0, 11)}`;
}

/**
 * The reason why an end is free. `open`: the network has had one member so far. `left`: the other member has
 * left.
 */
export type FreeEndState = "open" | "left";

const HEAD = { open: "pontoon-wire-open", left: "pontoon-wire-left" } as const;

/**
 * The alias of a free end: the state, the network, and the container and interface at the other end where
 * these are known. Where there is no room the network is cut: the end's name proves it.
 */
export function freeEndAlias(state: FreeEndState, network: string, other: AttachmentKey | undefined): string {
  const tail = other === undefined ? "" : ` ${other.containerId} ${other.interfaceName}`;
  const room = Math.max(0, ALIAS_BYTES - HEAD[state].length - tail.length - 1);
  return printable(`${HEAD[state]} ${network.slice(0, room)}${tail}`.slice(0, ALIAS_BYTES));
}

/** The state that the alias of a free end tells; undefined for the alias of any other link. */
export function stateOfFreeEnd(alias: string): FreeEndState | undefined {
  const [head] = alias.split(" ");
  return (["open", "left"] as const).find((state) => HEAD[state] === head);
}

/** True when the alias of a free end names this attachment at the other end. */
export function isAtOtherEnd(alias: string, key: AttachmentKey): boolean {
  const state = stateOfFreeEnd(alias);
  return state !== undefined && alias === freeEndAlias(state, key.network, key);
}
