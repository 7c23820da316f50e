// Rules of nftables as tests of a packet, by the bytes of an answer: the expression "queue" needs a kernel
// with nft_queue.
import { expect, test } from "vitest";
import type { Reply } from "../../../src/netlink/reader.ts";
import type { NetlinkSocket } from "../../../src/netlink/socket.ts";
import * as nft from "../../../src/netlink/uapi/nf_tables.ts";
import { Writer } from "../../../src/netlink/writer.ts";
import { readPacketRules } from "../../../src/nft/packet-rule.ts";

/** A socket that answers with one rule, of one expression. */
function socketWith(name: string, data: (w: Writer) => void): NetlinkSocket {
  const w = new Writer();
  w.u8(nft.NFPROTO_INET).u8(0).u16(0);
  w.nest(nft.NFTA_RULE_EXPRESSIONS, () =>
    w.nest(nft.NFTA_LIST_ELEM, () => {
      w.string(nft.NFTA_EXPR_NAME, name);
      w.nest(nft.NFTA_EXPR_DATA, () => data(w));
    }),
  );
  const reply = { type: nft.NFT_MSG_NEWRULE, payload: w.written } as unknown as Reply;
  return { dump: () => [reply] } as unknown as NetlinkSocket;
}

const TABLE = { family: nft.NFPROTO_INET, name: "mine", title: "inet mine" };

test("a queue hands packets to another program, and its text has its number", () => {
  const write = (w: Writer): unknown => w.attribute(nft.NFTA_QUEUE_NUM, Uint8Array.of(0x01, 0x02));
  const [rule] = readPacketRules(socketWith("queue", write), TABLE, "through");
  expect(rule).toMatchObject({ tests: [], verdict: { kind: "queue" }, text: "queue to 258" });
});

test("a queue whose number is in a register is a queue, too", () => {
  const [rule] = readPacketRules(
    socketWith("queue", () => undefined),
    TABLE,
    "through",
  );
  expect(rule).toMatchObject({ verdict: { kind: "queue" }, text: "queue" });
});
