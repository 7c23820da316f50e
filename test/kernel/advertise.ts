// A router that advertises itself once, as radvd would.
import { u32Bytes } from "../../src/sys/bytes.ts";
import { native } from "../../src/sys/native.ts";
import { sendTo } from "../support/libc.ts";
import type { Netns } from "../support/netns.ts";
import { mustIndex } from "./scene.ts";

const AF_INET6 = 10;
const SOCK_RAW = 3;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPV6_MULTICAST_HOPS = 18;

/**
 * Tells all nodes on the link that this namespace is a router for half an hour (RFC 4861, 4.2). The kernel
 * fills in the checksum. False when the link has no usable address yet.
 */
export function advertise(router: Netns, link: string): boolean {
  const index = mustIndex(router, link);
  return router.inside(() => sendAdvertisement(index));
}

/** The same, in the namespace that the thread is in. */
export function sendAdvertisement(linkIndex: number): boolean {
  const advertisement = Uint8Array.of(134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0);
  // struct sockaddr_in6: family, port, flow, address ff02::1, interface
  const allNodes = new Uint8Array(28);
  allNodes.set([AF_INET6, 0]);
  allNodes.set([0xff, 0x02], 8);
  allNodes[23] = 1;
  new DataView(allNodes.buffer).setUint32(24, linkIndex, true);
  const fd = native.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  try {
    if (native.setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, u32Bytes(255)) !== 0)
      throw new Error("The test could not set the hop limit.");
    return sendTo(fd, advertisement, allNodes);
  } finally {
    native.close(fd);
  }
}
