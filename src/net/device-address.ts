// Addresses of a device that were given by a person, and giving them again. (linux/if_addr.h)
import { type Address, addressBytes, addressFromBytes, sameAddress } from "../ip/address.ts";
import type { GivenAddress } from "../ip/given-address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { familyNumber, listAddressMessages } from "./address.ts";

/** The flags of an address that a person sets; the kernel works out the others. */
const GIVEN =
  rt.IFA_F_NODAD |
  rt.IFA_F_HOMEADDRESS |
  rt.IFA_F_MANAGETEMPADDR |
  rt.IFA_F_NOPREFIXROUTE |
  rt.IFA_F_MCAUTOJOIN;

/**
 * The addresses of a link that last, in the kernel's order. One that ends by itself is left out, since a DHCP
 * client or a router gives it again; and so is one that the kernel makes. Throws SystemError.
 */
export function listGivenAddresses(
  socket: NetlinkSocket,
  link: { index: number; name: string },
): GivenAddress[] {
  return listAddressMessages(socket, link.index).flatMap((reply) => readGiven(reply, link.name) ?? []);
}

function readGiven(reply: Reply, name: string): GivenAddress | undefined {
  const attributes = readAttributes(reply.payload, 8);
  const flags = attributes.u32(rt.IFA_FLAGS) ?? 0;
  const far = addressOf(attributes, rt.IFA_ADDRESS);
  const own = addressOf(attributes, rt.IFA_LOCAL) ?? far;
  const madeByKernel = (attributes.u8(rt.IFA_PROTO) ?? rt.IFAPROT_UNSPEC) !== rt.IFAPROT_UNSPEC;
  if (own === undefined || (flags & rt.IFA_F_PERMANENT) === 0 || madeByKernel) return undefined;
  const label = attributes.string(rt.IFA_LABEL);
  return {
    prefix: { address: own, length: reply.payload[1] ?? 0 },
    peer: far === undefined || sameAddress(far, own) ? undefined : far,
    broadcast: addressOf(attributes, rt.IFA_BROADCAST),
    scope: reply.payload[3] ?? 0,
    label: label === name ? undefined : label,
    flags: flags & GIVEN,
    metric: attributes.u32(rt.IFA_RT_PRIORITY),
  };
}

function addressOf(attributes: Attributes, type: number): Address | undefined {
  const bytes = attributes.addressBytes(type);
  return bytes && addressFromBytes(bytes);
}

/** Gives a link an address again, as it was. Refused with EEXIST when it is there. */
export function giveAddressMessage(link: { index: number; name: string }, address: GivenAddress): Message {
  const { prefix, peer = prefix.address, broadcast, scope, label = link.name, flags, metric } = address;
  const { family } = prefix.address;
  return {
    what: `give ${link.name} its address ${formatPrefix(prefix)} again`,
    type: rt.RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => {
      w.u8(familyNumber(family)).u8(prefix.length).u8(0).u8(scope).u32(link.index);
      w.attribute(rt.IFA_LOCAL, addressBytes(prefix.address)).attribute(rt.IFA_ADDRESS, addressBytes(peer));
      if (broadcast !== undefined) w.attribute(rt.IFA_BROADCAST, addressBytes(broadcast));
      if (family === 4) w.string(rt.IFA_LABEL, label);
      w.u32Attribute(rt.IFA_FLAGS, flags);
      if (metric !== undefined) w.u32Attribute(rt.IFA_RT_PRIORITY, metric);
    },
  };
}
