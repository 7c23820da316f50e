// Addresses of links. (linux/if_addr.h, rtnetlink.h)
import { type Address, addressBytes, addressFromBytes, type Family } from "../ip/address.ts";
import { formatPrefix, isWhole, networkOf, type Prefix } from "../ip/prefix.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u32At } from "../sys/bytes.ts";

/** An address on a link. A tentative one does not answer yet. */
export interface LinkAddress {
  index: number;
  prefix: Prefix;
  tentative: boolean;
  /** Duplicate address detection found another owner; the kernel does not use the address. */
  duplicate: boolean;
}

/** The kernel's number of a family: AF_INET or AF_INET6. */
export function familyNumber(family: Family): number {
  return family === 4 ? rt.AF_INET : rt.AF_INET6;
}

/** The manner of an address. */
export interface AddressManner {
  /** True: an IPv6 address is used when nobody else answers for it. Without it it answers at once. */
  detectsDuplicates?: boolean;
  /** False: the kernel makes no route to the subnet. */
  makesRoute?: boolean;
  /** The address at the other end of the link: the kernel makes a route to it alone. */
  peer?: Address;
}

/** Puts an address on a link. Refused with EEXIST when it is there. */
export function addAddressMessage(index: number, prefix: Prefix, manner: AddressManner = {}): Message {
  const { address, length } = prefix;
  return {
    what: `add address ${formatPrefix(prefix)}`,
    type: rt.RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      writeAddress(w, index, prefix, manner.peer);
      const flags = flagsOf(address.family, manner);
      if (flags !== 0 || address.family === 6) w.u32Attribute(rt.IFA_FLAGS, flags);
      if (address.family === 4 && length < 31)
        w.attribute(rt.IFA_BROADCAST, addressBytes(broadcastOf(prefix)));
    },
  };
}

function flagsOf(family: Family, { detectsDuplicates = false, makesRoute = true }: AddressManner): number {
  return (
    (family === 6 && !detectsDuplicates ? rt.IFA_F_NODAD : 0) | (makesRoute ? 0 : rt.IFA_F_NOPREFIXROUTE)
  );
}

/** Takes an address off a link. Refused with EADDRNOTAVAIL when it is not there. */
export function deleteAddressMessage(index: number, prefix: Prefix): Message {
  return {
    what: `remove address ${formatPrefix(prefix)}`,
    type: rt.RTM_DELADDR,
    flags: 0,
    body: (w) => writeAddress(w, index, prefix),
  };
}

// biome-ignore lint/complexity/useMaxParams: three say what every address needs, and a peer is rare.
function writeAddress(w: Writer, index: number, { address, length }: Prefix, peer = address): void {
  w.u8(familyNumber(address.family)).u8(length).u8(0).u8(0).u32(index);
  w.attribute(rt.IFA_LOCAL, addressBytes(address)).attribute(rt.IFA_ADDRESS, addressBytes(peer));
}

/** The broadcast address of an IPv4 network: its last address (RFC 919). */
function broadcastOf(prefix: Prefix): Address {
  return { family: 4, value: networkOf(prefix).address.value | ((1n << BigInt(32 - prefix.length)) - 1n) };
}

/**
 * The answers of one family, which is the first byte of each. A kernel that was started without IPv6
 * (ipv6.disable=1) knows no list of that family, and answers with those of all others (rtnl_dump_all).
 */
export function ofFamily(replies: Reply[], family: Family): Reply[] {
  return replies.filter(({ payload }) => payload[0] === familyNumber(family));
}

/** The addresses of one link, of both families or of one, filtered in the kernel. Throws SystemError. */
export function listAddresses(socket: NetlinkSocket, index: number, family?: Family): LinkAddress[] {
  const list: LinkAddress[] = [];
  for (const reply of listAddressMessages(socket, index, family)) {
    const address = readAddress(reply);
    if (address !== undefined) list.push(address);
  }
  return list;
}

/** The addresses of one link as messages of the kernel. Throws SystemError. */
export function listAddressMessages(socket: NetlinkSocket, index: number, family?: Family): Reply[] {
  const replies = socket.dump(listMessage(index, family));
  return family === undefined ? replies : ofFamily(replies, family);
}

/** The addresses of all links as messages of the kernel. Throws SystemError. */
export function listAddressReplies(socket: NetlinkSocket): Reply[] {
  return socket.dump(listMessage(0, undefined));
}

/** An address on any link, with what the link reaches by it. */
export interface ForeignAddress extends LinkAddress {
  /** The subnet on the link; on a point-to-point link the address of the other side. */
  onLink: Prefix;
  /** True when the address makes a route to `onLink`: an address of full length alone makes none. */
  hasRoute: boolean;
  /** The address is used on its link alone (RFC 4291, 2.5.6; RFC 3927). */
  isLinkLocal: boolean;
}

/** The addresses of one family of all links. Throws SystemError. */
export function listAddressesOfAll(socket: NetlinkSocket, family: Family): ForeignAddress[] {
  const list: ForeignAddress[] = [];
  for (const reply of ofFamily(socket.dump(listMessage(0, family)), family)) {
    const address = readAddress(reply);
    if (address === undefined) continue;
    const bytes = readAttributes(reply.payload, 8).addressBytes(rt.IFA_ADDRESS);
    const far = bytes === undefined ? address.prefix.address : addressFromBytes(bytes);
    const { length } = address.prefix;
    list.push({
      ...address,
      onLink: { address: far, length },
      hasRoute: !isWhole(address.prefix, far),
      isLinkLocal: (reply.payload[3] ?? 0) === rt.RT_SCOPE_LINK,
    });
  }
  return list;
}

/** Asks for addresses of a link; with index 0 for those of all links. */
function listMessage(index: number, family: Family | undefined): Message {
  return {
    what: index === 0 ? "list all addresses" : `list the addresses of interface number ${index}`,
    type: rt.RTM_GETADDR,
    flags: 0,
    body: (w) =>
      w
        .u8(family === undefined ? rt.AF_UNSPEC : familyNumber(family))
        .u8(0)
        .u8(0)
        .u8(0)
        .u32(index),
  };
}

/**
 * The addresses of a link in another namespace, asked for from here by the number that this namespace has for
 * that one (IFA_TARGET_NETNSID). Throws SystemError.
 */
export function listFarAddresses(
  socket: NetlinkSocket,
  { namespace, index }: { namespace: number; index: number },
): LinkAddress[] {
  const message = listMessage(index, undefined);
  const far: Message = {
    ...message,
    body: (w) => {
      message.body(w);
      w.u32Attribute(rt.IFA_TARGET_NETNSID, namespace);
    },
  };
  return socket.dump(far).flatMap((reply) => readAddress(reply) ?? []);
}

/** Reads RTM_NEWADDR; undefined when it holds no address. */
export function readAddress(reply: Reply): LinkAddress | undefined {
  const attributes = readAttributes(reply.payload, 8);
  const bytes = attributes.addressBytes(rt.IFA_LOCAL) ?? attributes.addressBytes(rt.IFA_ADDRESS);
  if (bytes === undefined) return undefined;
  const flags = attributes.u32(rt.IFA_FLAGS) ?? 0;
  return {
    index: u32At(reply.payload, 4),
    prefix: { address: addressFromBytes(bytes), length: reply.payload[1] ?? 0 },
    tentative: (flags & rt.IFA_F_TENTATIVE) !== 0,
    duplicate: (flags & rt.IFA_F_DADFAILED) !== 0,
  };
}
