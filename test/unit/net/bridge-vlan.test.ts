// Requests and answers about VLANs of bridge ports, written down by hand from linux/if_bridge.h and
// if_link.h.
import { expect, test } from "vitest";
import {
  addNativeVlanMessage,
  addTaggedVlansMessage,
  getVlanFiltering,
  listPortVlans,
  listVlansMessage,
  removeVlansMessage,
} from "../../../src/net/bridge-vlan.ts";
import { createBridgeMessage } from "../../../src/net/link-change.ts";
import type { Writer } from "../../../src/netlink/writer.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";
import { bytesOf, hex } from "../../support/golden.ts";

const HEADER_REST = "01000000 00000000"; // sequence 1, port 0
const RTM_NEWLINK = 16;
const NLMSG_DONE = 3;

test("a bridge that filters by VLANs from its first moment", () => {
  expect(bytesOf(createBridgeMessage({ name: "br0", mac: "0a:00:00:00:00:01", vlanFiltering: true }))).toBe(
    hex(`
    50000000 1000 0006 ${HEADER_REST}            # 80 bytes, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL
    00 00 0000 00000000 00000000 00000000
    0800 0300 62723000                           # IFLA_IFNAME "br0"
    0a00 0100 0a0000000001 0000                  # IFLA_ADDRESS
    1c00 1280                                    # IFLA_LINKINFO
      0b00 0100 62726964676500 00                # IFLA_INFO_KIND "bridge"
      0c00 0280                                  # IFLA_INFO_DATA
        0500 0700 01 000000                      # IFLA_BR_VLAN_FILTERING 1
  `),
  );
});

test("the VLAN of packets without a tag", () => {
  expect(bytesOf(addNativeVlanMessage(7, 100))).toBe(
    hex(`
    34000000 1300 0000 ${HEADER_REST}            # 52 bytes, RTM_SETLINK
    07 00 0000 07000000 00000000 00000000        # ifinfomsg: AF_BRIDGE, port 7
    1400 1a00                                    # IFLA_AF_SPEC
      0600 0000 0100 0000                        # IFLA_BRIDGE_FLAGS BRIDGE_FLAGS_MASTER
      0800 0200 0600 6400                        # IFLA_BRIDGE_VLAN_INFO PVID | UNTAGGED, VLAN 100
  `),
  );
});

test("VLANs with a tag, as a range and alone", () => {
  expect(bytesOf(addTaggedVlansMessage(7, { first: 200, last: 299 }))).toBe(
    hex(`
    3c000000 1300 0000 ${HEADER_REST}
    07 00 0000 07000000 00000000 00000000
    1c00 1a00
      0600 0000 0100 0000
      0800 0200 0800 c800                        # RANGE_BEGIN, VLAN 200
      0800 0200 1000 2b01                        # RANGE_END, VLAN 299
  `),
  );
  expect(bytesOf(addTaggedVlansMessage(7, { first: 4094, last: 4094 }))).toBe(
    hex(`
    34000000 1300 0000 ${HEADER_REST}
    07 00 0000 07000000 00000000 00000000
    1400 1a00
      0600 0000 0100 0000
      0800 0200 0000 fe0f                        # no flags, VLAN 4094
  `),
  );
});

test("VLANs that a port leaves", () => {
  expect(bytesOf(removeVlansMessage(258, { first: 1, last: 4094 }))).toBe(
    hex(`
    3c000000 1100 0000 ${HEADER_REST}            # RTM_DELLINK
    07 00 0000 02010000 00000000 00000000
    1c00 1a00
      0600 0000 0100 0000
      0800 0200 0800 0100
      0800 0200 1000 fe0f
  `),
  );
});

test("the question for the VLANs of all ports", () => {
  expect(bytesOf(listVlansMessage())).toBe(
    hex(`
    28000000 1200 0000 ${HEADER_REST}            # RTM_GETLINK; the socket adds NLM_F_DUMP
    07 00 0000 00000000 00000000 00000000
    0800 1d00 04000000                           # IFLA_EXT_MASK RTEXT_FILTER_BRVLAN_COMPRESSED
  `),
  );
});

test("the answer: ranges are put together, and other ports left out", () => {
  using kernel = new FakeKernel();
  const port = (index: number, ...vlans: [number, number][]) => ({
    type: RTM_NEWLINK,
    sequence: 1,
    body: (w: Writer) => {
      w.u8(7).u8(0).u16(0).u32(index).u32(0).u32(0).string(3, `v${index}`);
      w.nest(
        26,
        () => {
          for (const [flags, vlan] of vlans) w.attribute(2, Uint8Array.of(flags, 0, vlan, vlan >> 8));
        },
        0,
      );
    },
  });
  kernel.answers(port(4, [0, 9]), port(7, [6, 100], [8, 200], [16, 299], [4, 1], [2, 3000]), port(8), {
    type: NLMSG_DONE,
    sequence: 1,
    body: (w) => w.u32(0),
  });
  expect(listPortVlans(kernel.socket, [7, 8, 9])).toEqual([
    [
      { first: 100, last: 100, native: true, untagged: true },
      { first: 200, last: 299, native: false, untagged: false },
      { first: 1, last: 1, native: false, untagged: true },
      { first: 3000, last: 3000, native: true, untagged: false },
    ],
    [],
    [],
  ]);
});

test.each([
  ["on", "bridge", [1], true],
  ["off", "bridge", [0], true],
  ["notInKernel", "bridge", [0], false],
  [undefined, "veth", [1], true],
] as const)("whether a bridge filters: %s", (state, kind, filtering, knowsProtocol) => {
  using kernel = new FakeKernel();
  kernel.answers(
    {
      type: RTM_NEWLINK,
      sequence: 1,
      body: (w) => {
        w.u8(0).u8(0).u16(0).u32(5).u32(0).u32(0);
        w.nest(18, () =>
          w.string(1, kind).nest(2, () => {
            w.u8Attribute(7, filtering[0]);
            if (knowsProtocol) w.attribute(8, Uint8Array.of(0x81, 0));
          }),
        );
      },
    },
    { type: 2, sequence: 1, body: (w) => w.u32(0).u32(0).u32(0).u32(0).u32(0) },
  );
  expect(getVlanFiltering(kernel.socket, { name: "br0" })).toBe(state);
});
