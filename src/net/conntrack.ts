// Connections that the kernel tracks: UDP flows keep their way as long as packets come, so a change of the
// way removes them. (linux/netfilter/nfnetlink_conntrack.h; net/netfilter/nf_conntrack_netlink.c for the
// filter's flags)
import { type Address, addressBytes, addressFromBytes, type Family } from "../ip/address.ts";
import { type Attributes, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLA_F_NESTED } from "../netlink/uapi/netlink.ts";
import * as ct from "../netlink/uapi/nf_conntrack.ts";
import { NFPROTO_IPV4, NFPROTO_IPV6 } from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";
import { be16At } from "../sys/bytes.ts";
import { isErrno } from "../sys/errno.ts";

/** A row of UDP packets back and forth. */
export interface UdpFlow {
  /** The destination of the first packet. */
  destination: Address;
  destinationPort: number;
  /** The address that answers: `destination`, unless that was translated. */
  answerer: Address;
  answererPort: number;
}

/**
 * A filter of the flows that the kernel shows. It may show more: kernels before Linux 5.8 show all, and
 * `answerer` counts for IPv4 alone.
 */
export interface FlowFilter {
  family: Family;
  destinationPort?: number | undefined;
  answerer?: Address | undefined;
}

const UDP = 17;
/** Length of struct nfgenmsg. */
const GENERIC_HEADER = 4;

/** The flags of a filter, which no header names: the parts of a tuple that count. */
const IP_SRC = 1 << 0;
const PROTO_NUM = 1 << 3;
const PROTO_DST_PORT = 1 << 5;

/**
 * Removes the UDP flows for which `isStale` is true; gives their number. `socket` is one of
 * NETLINK_NETFILTER. Throws SystemError.
 */
export function deleteUdpFlows(
  socket: NetlinkSocket,
  filter: FlowFilter,
  isStale: (flow: UdpFlow) => boolean,
): number {
  let count = 0;
  for (const { payload } of socket.dump(listMessage(filter))) {
    const attributes = readAttributes(payload, GENERIC_HEADER);
    const flow = readFlow(attributes, filter.family);
    if (flow === undefined || !isStale(flow)) continue;
    const [outcome] = socket.transact([deleteMessage(attributes, filter.family)]);
    // ENOENT: the flow ended by itself.
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
    count++;
  }
  return count;
}

/**
 * The request for a list of flows, without an IPv6 answerer: ctnetlink_filter_match_tuple() shows all flows
 * but those with that address (seen up to Linux 6.18).
 */
function listMessage({ family, destinationPort, answerer }: FlowFilter): Message {
  const source = family === 4 ? answerer : undefined;
  return request(LIST, family, (w) => {
    const port = destinationPort === undefined ? 0 : PROTO_DST_PORT;
    w.nest(ct.CTA_TUPLE_ORIG, () =>
      w.nest(ct.CTA_TUPLE_PROTO, () => {
        w.u8Attribute(ct.CTA_PROTO_NUM, UDP);
        if (destinationPort !== undefined)
          w.attribute(ct.CTA_PROTO_DST_PORT, Uint8Array.of(destinationPort >>> 8, destinationPort));
      }),
    );
    if (source !== undefined)
      w.nest(ct.CTA_TUPLE_REPLY, () =>
        w.nest(ct.CTA_TUPLE_IP, () => w.attribute(ct.CTA_IP_V4_SRC, addressBytes(source))),
      );
    w.nest(ct.CTA_FILTER, () => {
      w.u32Attribute(ct.CTA_FILTER_ORIG_FLAGS, PROTO_NUM | port);
      w.u32Attribute(ct.CTA_FILTER_REPLY_FLAGS, source === undefined ? 0 : IP_SRC);
    });
  });
}

/** The removal of a flow by tuple and number: a new flow between the two ends has another number. */
function deleteMessage(attributes: Attributes, family: Family): Message {
  return request(DELETE, family, (w) => {
    w.attribute(ct.CTA_TUPLE_ORIG | NLA_F_NESTED, attributes.bytes(ct.CTA_TUPLE_ORIG) ?? new Uint8Array());
    for (const type of [ct.CTA_ID, ct.CTA_ZONE]) {
      const value = attributes.bytes(type);
      if (value !== undefined) w.attribute(type, value);
    }
  });
}

/** What connection tracking is asked to do: in words, and by the number of the message. */
type Operation = Pick<Message, "what" | "type">;

const LIST: Operation = { what: "list UDP flows", type: ct.IPCTNL_MSG_CT_GET };
const DELETE: Operation = { what: "delete a UDP flow", type: ct.IPCTNL_MSG_CT_DELETE };

function request({ what, type }: Operation, family: Family, body: (w: Writer) => void): Message {
  return {
    what,
    type: (ct.NFNL_SUBSYS_CTNETLINK << 8) | type,
    flags: 0,
    body: (w) => {
      // struct nfgenmsg
      w.u8(family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6)
        .u8(0)
        .u16(0);
      body(w);
    },
  };
}

/** The flow in an answer; undefined for another protocol or family. */
function readFlow(attributes: Attributes, family: Family): UdpFlow | undefined {
  const original = attributes.nest(ct.CTA_TUPLE_ORIG);
  const reply = attributes.nest(ct.CTA_TUPLE_REPLY);
  const protocol = original?.nest(ct.CTA_TUPLE_PROTO);
  const destination = original
    ?.nest(ct.CTA_TUPLE_IP)
    ?.addressBytes(family === 4 ? ct.CTA_IP_V4_DST : ct.CTA_IP_V6_DST);
  const answerer = reply
    ?.nest(ct.CTA_TUPLE_IP)
    ?.addressBytes(family === 4 ? ct.CTA_IP_V4_SRC : ct.CTA_IP_V6_SRC);
  if (protocol?.u8(ct.CTA_PROTO_NUM) !== UDP || destination === undefined || answerer === undefined)
    return undefined;
  return {
    destination: addressFromBytes(destination),
    destinationPort: portOf(protocol.bytes(ct.CTA_PROTO_DST_PORT)),
    answerer: addressFromBytes(answerer),
    answererPort: portOf(reply?.nest(ct.CTA_TUPLE_PROTO)?.bytes(ct.CTA_PROTO_SRC_PORT)),
  };
}

function portOf(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : be16At(bytes, 0);
}
