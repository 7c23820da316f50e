// The places where the node may drop frames before its routing sees them, or behind it: base chains of
// nftables of family bridge at the hook "forward", and those of devices as frames come in or leave.
import type { Family } from "../../ip/address.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import type { BaseChain } from "./base-chain.ts";
import type { ForwardHook } from "./hook.ts";

/** `port`: from port to port of a bridge; else as a frame comes in by a device, or leaves by it. */
export type FramePlace = "port" | "ingress" | "egress";

/** A hook that sees frames. */
export interface FrameHook extends ForwardHook {
  at: FramePlace;
  devices: readonly string[];
}

const BOTH: readonly Family[] = [4, 6];

/** The hooks for frames among the base chains. */
export function frameHooksOf(chains: readonly BaseChain[]): FrameHook[] {
  return chains.flatMap((chain) => {
    const at = placeOf(chain);
    return at === undefined ? [] : [{ ...chain, at, families: BOTH, by: programOf(chain) }];
  });
}

function placeOf({ table: { family }, number }: BaseChain): FramePlace | undefined {
  if (family === nft.NFPROTO_BRIDGE) return number === nft.NF_BR_FORWARD ? "port" : undefined;
  if (family === nft.NFPROTO_INET) return number === nft.NF_INET_INGRESS ? "ingress" : undefined;
  if (family !== nft.NFPROTO_NETDEV) return undefined;
  if (number === nft.NF_NETDEV_INGRESS) return "ingress";
  return number === nft.NF_NETDEV_EGRESS ? "egress" : undefined;
}

/** The program ebtables, in its nftables variant, keeps the chain FORWARD of the table filter. */
function programOf({ table, base }: BaseChain): ForwardHook["by"] {
  const isOfEbtables = table.family === nft.NFPROTO_BRIDGE && table.name === "filter" && base === "FORWARD";
  return isOfEbtables ? "ebtables" : "nft";
}

/** True for a hook of that device, or of all. */
export function isOfDevice({ devices }: FrameHook, name: string): boolean {
  return devices.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name));
}
