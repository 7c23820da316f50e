// Requests to nftables as one batch, which the kernel does as a whole or not at all. Every function throws
// SystemError.
import type { Outcome } from "../netlink/outcome.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { SystemError } from "../sys/errno.ts";
import { generic } from "./message.ts";

/** Sends messages as one batch; gives the outcome of each. */
export function sendBatch(socket: NetlinkSocket, messages: Message[]): Outcome[] {
  const frame = (type: number): Message => ({
    what: "change packet rules",
    type,
    flags: 0,
    body: (w) => generic(w, nft.NFPROTO_UNSPEC, nft.NFNL_SUBSYS_NFTABLES),
  });
  return socket.batch(frame(nft.NFNL_MSG_BATCH_BEGIN), messages, frame(nft.NFNL_MSG_BATCH_END));
}

/** Sends messages as one batch; gives the first refusal, or undefined when all was done. */
export function firstRefusal(socket: NetlinkSocket, messages: Message[]): SystemError | undefined {
  for (const { error } of sendBatch(socket, messages)) if (error !== undefined) return error;
  return undefined;
}

/** Sends messages as one batch. Throws the first refusal. */
export function executeBatch(socket: NetlinkSocket, messages: Message[]): void {
  const error = firstRefusal(socket, messages);
  if (error !== undefined) throw error;
}
