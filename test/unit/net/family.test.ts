// Lists of a family that the kernel does not have. Started with ipv6.disable=1 it answers with those of all
// other families (rtnl_dump_all in net/core/rtnetlink.c); no kernel of a test can be started so.
import { expect, test } from "vitest";
import { listAddresses, listAddressesOfAll } from "../../../src/net/address.ts";
import { listRoutes } from "../../../src/net/route-list.ts";
import type { Writer } from "../../../src/netlink/writer.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";

const [RTM_NEWADDR, RTM_NEWROUTE, NLMSG_DONE] = [20, 24, 3];
const AF_INET = 2;

/** A kernel that answers to a list with one message of IPv4. */
function answering(type: number, body: (w: Writer) => void): FakeKernel {
  const kernel = new FakeKernel();
  kernel.answers({ type, flags: 2, sequence: 1, body });
  kernel.answers({ type: NLMSG_DONE, flags: 2, sequence: 1, body: (w) => w.u32(0) });
  return kernel;
}

function route(w: Writer): void {
  // struct rtmsg, RTA_DST and RTA_OIF
  w.u8(AF_INET).u8(24).u8(0).u8(0).u8(254).u8(180).u8(0).u8(1).u32(0);
  w.attribute(1, Uint8Array.of(10, 244, 2, 0)).u32Attribute(4, 7);
}

function address(w: Writer): void {
  // struct ifaddrmsg, IFA_ADDRESS and IFA_LOCAL
  w.u8(AF_INET).u8(24).u8(0).u8(0).u32(7);
  w.attribute(1, Uint8Array.of(10, 90, 0, 11)).attribute(2, Uint8Array.of(10, 90, 0, 11));
}

test("a list of IPv6 has nothing of IPv4, and one of IPv4 has it", () => {
  for (const [type, body, list] of [
    [RTM_NEWROUTE, route, (kernel, family) => listRoutes(kernel.socket, family, { protocol: 180 })],
    [RTM_NEWADDR, address, (kernel, family) => listAddresses(kernel.socket, 7, family)],
    [RTM_NEWADDR, address, (kernel, family) => listAddressesOfAll(kernel.socket, family)],
  ] as [number, (w: Writer) => void, (kernel: FakeKernel, family: 4 | 6) => unknown[]][])
    for (const family of [4, 6] as const) {
      using kernel = answering(type, body);
      expect(list(kernel, family)).toHaveLength(family === 4 ? 1 : 0);
    }
});
