// Masquerading rules of the reference plugin (ipMasq) in nftables: in table `inet cni_plugins_masquerade` a
// rule per address, known by its comment `<hash of the network>-<hash of interface and container>, net: …`
// (containernetworking/plugins, pkg/ip/ipmasq_nftables_linux.go).
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { sha512 } from "../sys/hash.ts";
import { firstRefusal } from "./batch.ts";
import { readComment } from "./comment.ts";
import { deleteRuleMessage, GENERIC_HEADER, listRulesMessage, type Table } from "./message.ts";

const REFERENCE_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "cni_plugins_masquerade",
  title: "inet cni_plugins_masquerade",
};
const CHECKS = "masq_checks";
const HASH_DIGITS = 16;
const ATTEMPTS = 6;

/** The attachment that rules belong to. */
export interface ReferenceOwner {
  containerId: string;
  interfaceName: string;
}

/**
 * Removes the rules that the reference plugin made for an attachment; its table and chains stay, as with its
 * own DEL. Costs one question where there are none. Throws SystemError.
 */
export function removeReferenceMasquerade(
  socket: NetlinkSocket,
  network: string,
  owner: ReferenceOwner,
): void {
  const own = ownerHash(network, owner);
  removeRules(socket, (hash) => hash === own);
}

/** Removes the rules of all attachments of a network but the `valid` ones. Throws SystemError. */
export function removeStaleReferenceMasquerade(
  socket: NetlinkSocket,
  network: string,
  valid: readonly ReferenceOwner[],
): void {
  const prefix = `${hashOf(network)}-`;
  const kept = new Set(valid.map((owner) => ownerHash(network, owner)));
  removeRules(socket, (hash) => hash.startsWith(prefix) && !kept.has(hash));
}

function removeRules(socket: NetlinkSocket, goes: (hash: string) => boolean): void {
  for (let attempt = 1; ; attempt++) {
    const rules = socket
      .dump(listRulesMessage(REFERENCE_TABLE, CHECKS))
      .flatMap((reply) => handleOf(reply, goes) ?? []);
    if (rules.length === 0) return;
    const error = firstRefusal(
      socket,
      rules.map((handle) => deleteRuleMessage(REFERENCE_TABLE, CHECKS, handle)),
    );
    if (error === undefined) return;
    // ENOENT: another process deleted a rule after our look.
    if (!isErrno(error, "ENOENT") || attempt === ATTEMPTS) throw error;
  }
}

/** The number of a rule with a comment that starts with a hash for which `goes` is true. */
function handleOf({ payload }: Reply, goes: (hash: string) => boolean): Uint8Array | undefined {
  const attributes = readAttributes(payload, GENERIC_HEADER);
  const comment = readComment(attributes.bytes(nft.NFTA_RULE_USERDATA));
  const end = comment.indexOf(",");
  return end > 0 && goes(comment.slice(0, end)) ? attributes.bytes(nft.NFTA_RULE_HANDLE) : undefined;
}

function ownerHash(network: string, { containerId, interfaceName }: ReferenceOwner): string {
  return `${hashOf(network)}-${hashOf(`${interfaceName}:${containerId}`)}`;
}

const hashOf = (text: string): string => sha512(text).slice(0, HASH_DIGITS);
