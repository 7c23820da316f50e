// Chains of nftables that drop what the node forwards, those of iptables in that variant among them.
import type { Family } from "../ip/address.ts";
import { readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { GENERIC_HEADER, listAllChainsMessage } from "../nft/message.ts";

const FAMILIES: Record<number, { name: string; of: readonly Family[] }> = {
  [nft.NFPROTO_INET]: { name: "inet", of: [4, 6] },
  [nft.NFPROTO_IPV4]: { name: "ip", of: [4] },
  [nft.NFPROTO_IPV6]: { name: "ip6", of: [6] },
};

/**
 * The chains at the hook `forward` that drop by default what these families send, as `chain FORWARD of table
 * ip filter`. A kernel without nftables has none. Throws SystemError.
 */
export function listDroppingChains(open: () => NetlinkSocket, families: readonly Family[]): string[] {
  const replies = ifThereIsNftables(open, (socket) => socket.dump(listAllChainsMessage())) ?? [];
  return replies.flatMap(({ payload }) => {
    const family = FAMILIES[payload[0] ?? 0];
    const chain = readAttributes(payload, GENERIC_HEADER);
    const hook = chain.nest(nft.NFTA_CHAIN_HOOK)?.be32(nft.NFTA_HOOK_HOOKNUM);
    const drops = hook === nft.NF_INET_FORWARD && chain.be32(nft.NFTA_CHAIN_POLICY) === nft.NF_DROP;
    if (!drops || family?.of.some((each) => families.includes(each)) !== true) return [];
    const [name, table] = [chain.string(nft.NFTA_CHAIN_NAME), chain.string(nft.NFTA_CHAIN_TABLE)];
    return [`chain ${name} of table ${family.name} ${table}`];
  });
}
