// Messages byte by byte, written down by hand from linux/netfilter/nfnetlink.h and nf_tables.h. Numbers are
// in network order.
import { expect, test } from "vitest";
import { addElementMessage, deleteElementMessage } from "../../../src/nft/element.ts";
import { TABLE } from "../../../src/nft/layout.ts";
import {
  chainMessage,
  deleteRuleMessage,
  getGenerationMessage,
  tableMessage,
} from "../../../src/nft/message.ts";
import { mapMessage, setMessage } from "../../../src/nft/set-message.ts";
import { bytesOf, hex } from "../../support/golden.ts";

const HEADER_REST = "01000000 00000000"; // sequence 1, port 0
const NFGENMSG = "01 00 0000"; // NFPROTO_INET, version 0, resource 0
const BRIDGE = { family: 7, name: "b", title: "bridge b" };
const PONTOON = "0c00 0100 706f6e746f6f6e00"; // attribute 1 of nearly all messages: the table

test("the table", () => {
  expect(bytesOf(tableMessage(TABLE))).toBe(
    hex(`
    20000000 000a 0004 ${HEADER_REST}          # NFT_MSG_NEWTABLE of NFNL_SUBSYS_NFTABLES, NLM_F_CREATE
    ${NFGENMSG}
    ${PONTOON}                                 # NFTA_TABLE_NAME
  `),
  );
});

test("the generation is asked for without an attribute", () => {
  expect(bytesOf(getGenerationMessage())).toBe(hex(`14000000 100a 0000 ${HEADER_REST} ${NFGENMSG}`));
});

test("a map from addresses to verdicts", () => {
  expect(bytesOf(mapMessage(TABLE, { name: "net4", key: { type: 7, length: 4 } }, 1))).toBe(
    hex(`
    54000000 090a 0004 ${HEADER_REST}          # NFT_MSG_NEWSET
    ${NFGENMSG} ${PONTOON}
    0900 0200 6e65743400 000000                # NFTA_SET_NAME "net4"
    0800 0300 00000008                         # NFTA_SET_FLAGS NFT_SET_MAP
    0800 0400 00000007                         # NFTA_SET_KEY_TYPE ipv4_addr
    0800 0500 00000004                         # NFTA_SET_KEY_LEN
    0800 0600 ffffff00                         # NFTA_SET_DATA_TYPE NFT_DATA_VERDICT
    0800 0a00 00000001                         # NFTA_SET_ID
  `),
  );
});

test("a set of interface names, which nft reads as text because their byte order is the host's", () => {
  expect(
    bytesOf(setMessage(BRIDGE, { name: "s", key: { type: 41, length: 16, inHostOrder: true } }, 1)),
  ).toBe(
    hex(`
    50000000 090a 0004 ${HEADER_REST}          # NFT_MSG_NEWSET
    07 00 0000                                 # NFPROTO_BRIDGE
    0600 0100 6200 0000                        # NFTA_SET_TABLE "b"
    0600 0200 7300 0000                        # NFTA_SET_NAME "s"
    0800 0300 00000000                         # NFTA_SET_FLAGS
    0800 0400 00000029                         # NFTA_SET_KEY_TYPE ifname
    0800 0500 00000010                         # NFTA_SET_KEY_LEN
    0800 0a00 00000001                         # NFTA_SET_ID
    0a00 0d00 00 04 01000000 0000              # NFTA_SET_USERDATA: byte order of the key, 4 bytes,
                                               # 1 in host order
  `),
  );
});

test("an element of a set has no data", () => {
  expect(
    bytesOf(
      addElementMessage({ table: BRIDGE, set: "s", key: Uint8Array.of(1, 2), chain: "", comment: "me" }),
    ),
  ).toBe(
    hex(`
    44000000 0c0a 0006 ${HEADER_REST}          # NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL
    07 00 0000 0600 0100 6200 0000 0600 0200 7300 0000
    2000 0380  1c00 0180                       # NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_LIST_ELEM
      0c00 0180  0600 0100 0102 0000           # NFTA_SET_ELEM_KEY, NFTA_DATA_VALUE
      0900 0600 00 03 6d6500 000000            # NFTA_SET_ELEM_USERDATA
  `),
  );
});

test("one rule goes by its number", () => {
  expect(bytesOf(deleteRuleMessage(BRIDGE, "c", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9)))).toBe(
    hex(`
    30000000 080a 0000 ${HEADER_REST}          # NFT_MSG_DELRULE
    07 00 0000 0600 0100 6200 0000 0600 0200 6300 0000
    0c00 0300 0000000000000009                 # NFTA_RULE_HANDLE
  `),
  );
});

test("a base chain of type nat", () => {
  expect(
    bytesOf(
      chainMessage(TABLE, "c", {
        type: "nat",
        number: 4,
        priority: 100,
        text: "postrouting priority srcnat",
      }),
    ),
  ).toBe(
    hex(`
    4c000000 030a 0004 ${HEADER_REST}          # NFT_MSG_NEWCHAIN
    ${NFGENMSG} ${PONTOON}
    0600 0300 6300 0000                        # NFTA_CHAIN_NAME "c"
    1400 0480                                  # NFTA_CHAIN_HOOK
      0800 0100 00000004                       # NFTA_HOOK_HOOKNUM postrouting
      0800 0200 00000064                       # NFTA_HOOK_PRIORITY 100
    0800 0700 6e617400                         # NFTA_CHAIN_TYPE "nat"
    0800 0500 00000001                         # NFTA_CHAIN_POLICY NF_ACCEPT
  `),
  );
});

test("an element: key, goto, and a comment as nft reads it", () => {
  const element = {
    table: TABLE,
    set: "net4",
    key: Uint8Array.of(10, 1, 0, 2),
    chain: "net-a",
    comment: "me",
  };
  expect(bytesOf(addElementMessage(element))).toBe(
    hex(`
    68000000 0c0a 0006 ${HEADER_REST}          # NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL
    ${NFGENMSG} ${PONTOON}
    0900 0200 6e65743400 000000                # NFTA_SET_ELEM_LIST_SET
    3c00 0380                                  # NFTA_SET_ELEM_LIST_ELEMENTS
      3800 0180                                # NFTA_LIST_ELEM
        0c00 0180  0800 0100 0a010002          # NFTA_SET_ELEM_KEY, NFTA_DATA_VALUE
        1c00 0280                              # NFTA_SET_ELEM_DATA
          1800 0280                            # NFTA_DATA_VERDICT
            0800 0100 fffffffc                 # NFTA_VERDICT_CODE NFT_GOTO
            0a00 0200 6e65742d6100 0000        # NFTA_VERDICT_CHAIN "net-a"
        0900 0600 00 03 6d6500 000000          # NFTA_SET_ELEM_USERDATA: comment, 3 bytes, "me"
  `),
  );
});

test("a delete goes by key alone", () => {
  expect(bytesOf(deleteElementMessage({ table: TABLE, set: "net4", key: Uint8Array.of(10, 1, 0, 2) }))).toBe(
    hex(`
    40000000 0e0a 0000 ${HEADER_REST}          # NFT_MSG_DELSETELEM
    ${NFGENMSG} ${PONTOON}
    0900 0200 6e65743400 000000
    1400 0380  1000 0180  0c00 0180  0800 0100 0a010002
  `),
  );
});
