// Messages byte by byte, written down by hand from linux/netlink.h, rtnetlink.h, if_link.h and if_addr.h.
import { expect, test } from "vitest";
import { parseAddress } from "../../../src/ip/address.ts";
import { parsePrefix } from "../../../src/ip/prefix.ts";
import { addAddressMessage, deleteAddressMessage } from "../../../src/net/address.ts";
import { getLinkMessage } from "../../../src/net/link.ts";
import { changeLinkMessage, createVethMessage, deleteLinkMessage } from "../../../src/net/link-change.ts";
import { addRouteMessage } from "../../../src/net/route.ts";
import { bytesOf, hex } from "../../support/golden.ts";

const HEADER_REST = "01000000 00000000"; // sequence 1, port 0

test("delete a link by its number", () => {
  expect(bytesOf(deleteLinkMessage({ index: 258 }))).toBe(
    hex(`
    20000000 1100 0000 ${HEADER_REST}            # 32 bytes, RTM_DELLINK
    00 00 0000 02010000 00000000 00000000        # ifinfomsg: ifi_index 258
  `),
  );
});

test("ask for a link by its name", () => {
  expect(bytesOf(getLinkMessage({ name: "br0" }))).toBe(
    hex(`
    30000000 1200 0000 ${HEADER_REST}            # 48 bytes, RTM_GETLINK
    00 00 0000 00000000 00000000 00000000
    0800 0300 62723000                           # IFLA_IFNAME "br0"
    0800 1d00 08000000                           # IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS
  `),
  );
});

test("raise a link: the flag, and the mask that says that only this flag is meant", () => {
  expect(bytesOf(changeLinkMessage({ index: 7 }, { up: true, mtu: 1450 }, "raise"))).toBe(
    hex(`
    28000000 1300 0000 ${HEADER_REST}            # RTM_SETLINK
    00 00 0000 07000000 01000000 01000000        # ifi_flags IFF_UP, ifi_change IFF_UP
    0800 0400 aa050000                           # IFLA_MTU 1450
  `),
  );
});

test("a veth pair: the peer's part is a link message inside the message", () => {
  const host = { name: "v0", mac: "0a:00:00:00:00:02" };
  const pod = { name: "eth0", mac: "0a:00:00:00:00:03" };
  expect(bytesOf(createVethMessage({ host, pod, mtu: 1500, bridgeIndex: 5, namespaceFd: 9 }))).toBe(
    hex(`
    b4000000 1000 0006 ${HEADER_REST}            # 180 bytes, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL
    00 00 0000 00000000 00000000 00000000
    0700 0300 763000 00                          # IFLA_IFNAME "v0"
    0a00 0100 0a0000000002 0000                  # IFLA_ADDRESS
    0800 0400 dc050000                           # IFLA_MTU 1500
    0800 1f00 01000000                           # IFLA_NUM_TX_QUEUES 1
    0800 2000 01000000                           # IFLA_NUM_RX_QUEUES 1
    0800 0a00 05000000                           # IFLA_MASTER 5
    6000 1280                                    # IFLA_LINKINFO, nested: 96 bytes
      0900 0100 7665746800 000000                # IFLA_INFO_KIND "veth"
      5000 0280                                  # IFLA_INFO_DATA: 80 bytes
        4c00 0180                                # VETH_INFO_PEER: 76 bytes
          00 00 0000 00000000 00000000 00000000  # ifinfomsg
          0900 0300 6574683000 000000            # IFLA_IFNAME "eth0"
          0a00 0100 0a0000000003 0000            # IFLA_ADDRESS
          0800 0400 dc050000                     # IFLA_MTU
          0800 1f00 01000000
          0800 2000 01000000
          0800 1c00 09000000                     # IFLA_NET_NS_FD 9
  `),
  );
});

test("an IPv4 address with its broadcast address", () => {
  expect(bytesOf(addAddressMessage(3, parsePrefix("10.1.2.3/20")!))).toBe(
    hex(`
    30000000 1400 0006 ${HEADER_REST}            # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL
    02 14 00 00 03000000                         # ifaddrmsg: AF_INET, 20 bits, interface 3
    0800 0200 0a010203                           # IFA_LOCAL
    0800 0100 0a010203                           # IFA_ADDRESS
    0800 0400 0a010fff                           # IFA_BROADCAST 10.1.15.255
  `),
  );
});

test("an IPv6 address without duplicate detection", () => {
  expect(bytesOf(addAddressMessage(3, parsePrefix("fd01::2/64")!))).toBe(
    hex(`
    48000000 1400 0006 ${HEADER_REST}
    0a 40 00 00 03000000                         # AF_INET6, 64 bits
    1400 0200 fd010000000000000000000000000002   # IFA_LOCAL
    1400 0100 fd010000000000000000000000000002   # IFA_ADDRESS
    0800 0800 02000000                           # IFA_FLAGS IFA_F_NODAD
  `),
  );
});

test("an IPv6 address whose owner is asked for first has no flag", () => {
  expect(bytesOf(addAddressMessage(3, parsePrefix("fd01::2/64")!, { detectsDuplicates: true }))).toBe(
    hex(`
    48000000 1400 0006 ${HEADER_REST}
    0a 40 00 00 03000000
    1400 0200 fd010000000000000000000000000002
    1400 0100 fd010000000000000000000000000002
    0800 0800 00000000                           # IFA_FLAGS
  `),
  );
});

test("a bridge port is isolated by RTM_NEWLINK, as hairpin mode is: RTM_SETLINK leaves both out", () => {
  expect(bytesOf(changeLinkMessage({ index: 7 }, { hairpin: true, isolated: true }, "isolate"))).toBe(
    hex(`
    44000000 1000 0000 ${HEADER_REST}            # RTM_NEWLINK without create
    00 00 0000 07000000 00000000 00000000
    2400 1280                                    # IFLA_LINKINFO
      0b00 0400 62726964676500 00                # IFLA_INFO_SLAVE_KIND "bridge"
      1400 0580                                  # IFLA_INFO_SLAVE_DATA
        0500 0400 01 000000                      # IFLA_BRPORT_MODE
        0500 2100 01 000000                      # IFLA_BRPORT_ISOLATED
  `),
  );
});

test("taking an address away names it and nothing else", () => {
  expect(bytesOf(deleteAddressMessage(3, parsePrefix("10.1.2.3/32")!))).toBe(
    hex(`
    28000000 1500 0000 ${HEADER_REST}            # RTM_DELADDR
    02 20 00 00 03000000
    0800 0200 0a010203
    0800 0100 0a010203
  `),
  );
});

test("a route with all it can have, its table in the attribute since it is above 255", () => {
  const route = {
    index: 4,
    dst: parsePrefix("192.168.7.9/24")!,
    gateway: parseAddress("10.1.0.1"),
    onLink: true,
    mtu: 1400,
    advmss: 1360,
    priority: 50,
    table: 1000,
  };
  expect(bytesOf(addRouteMessage(route))).toBe(
    hex(`
    58000000 1800 0004 ${HEADER_REST}            # RTM_NEWROUTE, NLM_F_CREATE
    02 18 00 00 00 03 00 01 04000000             # rtmsg: AF_INET /24, table unspec, RTPROT_BOOT, universe,
                                                 # RTN_UNICAST, RTNH_F_ONLINK
    0800 0100 c0a80700                           # RTA_DST without host bits
    0800 0500 0a010001                           # RTA_GATEWAY
    0800 0400 04000000                           # RTA_OIF
    0800 0f00 e8030000                           # RTA_TABLE 1000
    0800 0600 32000000                           # RTA_PRIORITY 50
    1400 0880                                    # RTA_METRICS
      0800 0200 78050000                         # RTAX_MTU 1400
      0800 0800 50050000                         # RTAX_ADVMSS 1360
  `),
  );
});

test("a route without a gateway has link scope in IPv4, and universe in IPv6, as the kernel wants it", () => {
  const scopeOf = (dst: string) =>
    Number.parseInt(bytesOf(addRouteMessage({ index: 4, dst: parsePrefix(dst)! })).slice(44, 46), 16);
  expect([scopeOf("10.0.0.0/8"), scopeOf("fd00::/8")]).toEqual([253, 0]);
});
