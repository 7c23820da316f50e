// The places where the node may drop frames before its routing sees them, or behind it: base chains of
// nftables of family bridge, and those of devices as frames come in or leave.
import type { Family } from "../../ip/address.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import type { BaseChain } from "./base-chain.ts";
import type { FirewallHook, Stage } from "./hook.ts";

/** A hook that sees frames: of all bridges, or as frames come in by a device or leave by it. */
export interface FrameHook extends FirewallHook {
  at: "bridge" | "device";
  devices: readonly string[];
}

const BOTH: readonly Family[] = [4, 6];

/** The hooks for frames among the base chains, in the order of their priorities. */
export function frameHooksOf(chains: readonly BaseChain[]): FrameHook[] {
  return chains
    .flatMap((chain): FrameHook[] => {
      const stage = STAGES[chain.table.family]?.[chain.number];
      if (stage === undefined) return [];
      const at = chain.table.family === nft.NFPROTO_BRIDGE ? "bridge" : "device";
      return [{ ...chain, at, stage, families: BOTH, by: programOf(chain), tableName: chain.table.name }];
    })
    .toSorted((a, b) => a.priority - b.priority);
}

const STAGES: { readonly [Each in number]?: { readonly [Number in number]?: Stage } } = {
  [nft.NFPROTO_BRIDGE]: {
    [nft.NF_BR_PRE_ROUTING]: "prerouting",
    [nft.NF_BR_LOCAL_IN]: "input",
    [nft.NF_BR_FORWARD]: "forward",
    [nft.NF_BR_LOCAL_OUT]: "output",
    [nft.NF_BR_POST_ROUTING]: "postrouting",
  },
  [nft.NFPROTO_INET]: { [nft.NF_INET_INGRESS]: "ingress" },
  [nft.NFPROTO_NETDEV]: { [nft.NF_NETDEV_INGRESS]: "ingress", [nft.NF_NETDEV_EGRESS]: "egress" },
};

/** The tables of the program ebtables, in its nftables variant, with their chains. */
const EBTABLES = /^(filter (INPUT|FORWARD|OUTPUT)|nat (PREROUTING|OUTPUT|POSTROUTING))$/;

function programOf({ table, base }: BaseChain): FirewallHook["by"] {
  const isOfEbtables = table.family === nft.NFPROTO_BRIDGE && EBTABLES.test(`${table.name} ${base}`);
  return isOfEbtables ? "ebtables" : "nft";
}

/** True for a hook of that device, or of all. */
export function isOfDevice({ devices }: FrameHook, name: string): boolean {
  return devices.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name));
}
