// The MAC spoof check of the reference plugin (macspoofchk), for attachments that it made before the type in
// the configuration was changed: in table `bridge nat` two chains, and rules that lead to them
// (containernetworking/plugins, pkg/link/spoofcheck.go).
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { countChainUses } from "./answer.ts";
import { firstRefusal } from "./batch.ts";
import { readComment } from "./comment.ts";
import {
  deleteChainMessage,
  deleteRuleMessage,
  GENERIC_HEADER,
  listRulesMessage,
  type Table,
} from "./message.ts";

const REFERENCE_TABLE: Table = { family: nft.NFPROTO_BRIDGE, name: "nat", title: "bridge nat" };
const BASE_CHAIN = "PREROUTING";

/** NFT_NAME_MAXLEN without its NUL: the kernel refuses to look for a longer name. */
const NAME_BYTES = 255;

const ATTEMPTS = 6;

/**
 * Removes the rules and chains that the reference plugin made for an attachment; its table and base chain
 * stay, as with its own DEL. Costs two questions where there are none. Throws SystemError.
 */
export function removeReferenceSpoofCheck(
  socket: NetlinkSocket,
  containerId: string,
  interfaceName: string,
): void {
  const id = `${containerId}-${interfaceName}`;
  for (let attempt = 1; ; attempt++) {
    const messages = removal(socket, id);
    if (messages.length === 0) return;
    const error = firstRefusal(socket, messages);
    if (error === undefined) return;
    // ENOENT: another process deleted a part after our look.
    if (!isErrno(error, "ENOENT") || attempt === ATTEMPTS) throw error;
  }
}

/**
 * The messages that remove rules and chains. Without chains there is nothing to look for: no rule leads to a
 * missing chain.
 */
function removal(socket: NetlinkSocket, id: string): Message[] {
  const possible = [`cni-br-iface-${id}`, `cni-br-iface-${id}-mac`].filter(
    ({ length }) => length <= NAME_BYTES,
  );
  const names = possible.filter((name) => countChainUses(socket, REFERENCE_TABLE, name) !== undefined);
  if (names.length === 0) return [];
  const rules = socket
    .dump(listRulesMessage(REFERENCE_TABLE, BASE_CHAIN))
    .flatMap((reply) => handleOf(reply, `macspoofchk-${id}`) ?? []);
  return [
    ...rules.map((handle) => deleteRuleMessage(REFERENCE_TABLE, BASE_CHAIN, handle)),
    ...names.map((name) => deleteChainMessage(REFERENCE_TABLE, name)),
  ];
}

/** The number of a rule with this comment. */
function handleOf({ payload }: Reply, comment: string): Uint8Array | undefined {
  const attributes = readAttributes(payload, GENERIC_HEADER);
  return readComment(attributes.bytes(nft.NFTA_RULE_USERDATA)) === comment
    ? attributes.bytes(nft.NFTA_RULE_HANDLE)
    : undefined;
}
