// Traffic control: a token bucket (tbf) that delays packets, and a filter that redirects the incoming packets
// of one link to another. (linux/pkt_sched.h, pkt_cls.h, tc_act/tc_mirred.h; net/sched/sch_tbf.c, cls_u32.c,
// act_mirred.c)

import { type Attributes, listAttributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_REPLACE } from "../netlink/uapi/netlink.ts";
import { AF_UNSPEC } from "../netlink/uapi/rtnetlink.ts";
import * as tc from "../netlink/uapi/traffic_control.ts";
import type { Writer } from "../netlink/writer.ts";
import { u32At, u32Bytes } from "../sys/bytes.ts";
import { errnoOf } from "../sys/errno.ts";

/**
 * A token bucket: `rate` bytes leave in a second, `burst` bytes at once after a pause, and `limit` bytes
 * wait; more are dropped.
 */
export interface Bucket {
  rate: number;
  burst: number;
  limit: number;
}

const UINT32 = 0xffff_ffff;
/** The only handle that the kernel gives an ingress qdisc. */
const INGRESS_HANDLE = 0xffff_0000;

/**
 * Makes a token bucket the root qdisc of a link, in the place of any other. The burst is given in bytes
 * (TCA_TBF_BURST): given as time, in the 32 bits of `buffer`, it wraps above 274 s. With a link layer given,
 * the kernel needs no table of rates.
 */
export function shapeMessage(index: number, { rate, burst, limit }: Bucket): Message {
  return {
    what: `limit what interface number ${index} sends to ${rate * 8} bit/s`,
    type: tc.RTM_NEWQDISC,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: (w) => {
      header(w, index, { parent: tc.TC_H_ROOT }).string(tc.TCA_KIND, "tbf");
      const options = w.openNest(tc.TCA_OPTIONS);
      w.attribute(tc.TCA_TBF_PARMS, tbfOptions(rate, limit))
        .attribute(tc.TCA_TBF_RATE64, u64Bytes(rate))
        .u32Attribute(tc.TCA_TBF_BURST, burst);
      w.closeNest(options);
    },
  };
}

/** Makes a place for filters on a link's incoming packets. Refused with EEXIST when there is one. */
export function ingressMessage(index: number): Message {
  return {
    what: `make an ingress qdisc for interface number ${index}`,
    type: tc.RTM_NEWQDISC,
    flags: NLM_F_CREATE,
    body: (w) =>
      header(w, index, { handle: INGRESS_HANDLE, parent: tc.TC_H_INGRESS }).string(tc.TCA_KIND, "ingress"),
  };
}

/** Removes the place for filters, with all its filters. Refused with ENOENT or EINVAL when there is none. */
export function deleteIngressMessage(index: number): Message {
  return {
    what: `remove the ingress qdisc of interface number ${index}`,
    type: tc.RTM_DELQDISC,
    flags: 0,
    body: (w) => header(w, index, { handle: INGRESS_HANDLE, parent: tc.TC_H_INGRESS }),
  };
}

/**
 * Redirects all packets that `from` receives to `to`; needs {@link ingressMessage}. u32 with an empty mask
 * matches all; not every kernel has matchall.
 */
export function redirectMessage(from: number, to: number): Message {
  return {
    what: `redirect what interface number ${from} receives to number ${to}`,
    type: tc.RTM_NEWTFILTER,
    flags: NLM_F_CREATE,
    body: (w) => {
      header(w, from, { parent: INGRESS_HANDLE, info: networkOrder(tc.ETH_P_ALL) }).string(
        tc.TCA_KIND,
        "u32",
      );
      const options = w.openNest(tc.TCA_OPTIONS);
      // struct tc_u32_sel with one struct tc_u32_key of zeros
      const selector = new Uint8Array(32);
      selector.set([tc.TC_U32_TERMINAL, 0, 1]);
      w.attribute(tc.TCA_U32_SEL, selector);
      const actions = w.openNest(tc.TCA_U32_ACT);
      const first = w.openNest(1);
      w.string(tc.TCA_ACT_KIND, "mirred");
      const mirred = w.openNest(tc.TCA_ACT_OPTIONS);
      w.attribute(tc.TCA_MIRRED_PARMS, mirredOptions(to));
      w.closeNest(mirred).closeNest(first).closeNest(actions).closeNest(options);
    },
  };
}

/**
 * The token bucket at the root of a link: rate and limit; undefined when there is none. The kernel gives the
 * burst rounded. Throws SystemError.
 */
export function getBucket(socket: NetlinkSocket, index: number): Omit<Bucket, "burst"> | undefined {
  const message: Message = {
    what: `ask for the root qdisc of interface number ${index}`,
    type: tc.RTM_GETQDISC,
    // Older kernels send the answer to the asking socket only with this flag.
    flags: NLM_F_ECHO,
    body: (w) => header(w, index, { parent: tc.TC_H_ROOT }),
  };
  const [outcome] = socket.transact([message]);
  if (outcome?.error !== undefined && outcome.errno !== errnoOf("ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined ? undefined : readBucket(reply);
}

/**
 * The indices of the links to which filters redirect packets that link `index` receives. Throws SystemError.
 */
export function listRedirects(socket: NetlinkSocket, index: number): number[] {
  const message: Message = {
    what: `list the filters of interface number ${index}`,
    type: tc.RTM_GETTFILTER,
    flags: 0,
    body: (w) => header(w, index, { parent: INGRESS_HANDLE }),
  };
  return socket.dump(message).flatMap((reply) => redirectOf(attributesOf(reply)) ?? []);
}

/** A filter at a link's edge, which sees what the link receives (`ingress`) or sends (`egress`). */
export interface EdgeFilter {
  side: "ingress" | "egress";
  /** `u32`, `bpf`… */
  kind: string;
  /** The index of the link to which it redirects; undefined: it does something else, or nobody can tell. */
  redirect: number | undefined;
}

/** The filters at the edges of a link. Throws SystemError. */
export function listEdgeFilters(socket: NetlinkSocket, index: number): EdgeFilter[] {
  const sides = [
    ["ingress", tc.TC_H_MIN_INGRESS],
    ["egress", tc.TC_H_MIN_EGRESS],
  ] as const;
  const found = sides.flatMap(([side, minor]) =>
    socket
      .dump({
        what: `list the filters of interface number ${index}`,
        type: tc.RTM_GETTFILTER,
        flags: 0,
        body: (w) => header(w, index, { parent: INGRESS_HANDLE + minor }),
      })
      .map((reply) => ({ side, reply, parent: u32At(reply.payload, 12) })),
  );
  // A qdisc "ingress" has one side, and gives its filters for both; those have its handle as parent.
  const isOne = found.some(({ parent }) => parent === INGRESS_HANDLE);
  return found
    .filter(({ side }) => !isOne || side === "ingress")
    .flatMap(({ side, reply }): EdgeFilter[] => {
      const attributes = attributesOf(reply);
      if (isHead(attributes)) return [];
      return [{ side, kind: attributes.string(tc.TCA_KIND) ?? "", redirect: redirectOf(attributes) }];
    });
}

/** True for what holds filters and is none: a classifier without options, a table of u32. */
function isHead(attributes: Attributes): boolean {
  const options = attributes.nest(tc.TCA_OPTIONS);
  if (options === undefined) return true;
  return attributes.string(tc.TCA_KIND) === "u32" && options.bytes(tc.TCA_U32_SEL) === undefined;
}

/** A place among the queues and filters of a link. Without a handle the kernel chooses. */
interface Spot {
  handle?: number;
  parent: number;
  info?: number;
}

/** struct tcmsg */
function header(w: Writer, index: number, { handle = 0, parent, info = 0 }: Spot): Writer {
  return w.u8(AF_UNSPEC).u8(0).u16(0).u32(index).u32(handle).u32(parent).u32(info);
}

function attributesOf({ payload }: Reply): Attributes {
  return readAttributes(payload, 20);
}

function readBucket(reply: Reply): Omit<Bucket, "burst"> | undefined {
  const attributes = attributesOf(reply);
  const options = attributes.nest(tc.TCA_OPTIONS);
  const parms = options?.bytes(tc.TCA_TBF_PARMS);
  if (attributes.string(tc.TCA_KIND) !== "tbf" || parms === undefined) return undefined;
  const rate64 = options?.bytes(tc.TCA_TBF_RATE64);
  return {
    rate: rate64 === undefined ? u32At(parms, 8) : u32At(rate64, 0) + u32At(rate64, 4) * 2 ** 32,
    limit: u32At(parms, 24),
  };
}

function redirectOf(attributes: Attributes): number | undefined {
  const actions = attributes.nest(tc.TCA_OPTIONS)?.bytes(tc.TCA_U32_ACT);
  const [, first] = actions === undefined ? [] : (listAttributes(actions)[0] ?? []);
  const parms = first && readAttributes(first).nest(tc.TCA_ACT_OPTIONS)?.bytes(tc.TCA_MIRRED_PARMS);
  return parms && u32At(parms, 24);
}

/**
 * struct tc_tbf_qopt: struct tc_ratespec of the rate, another of the peak rate, which is unused, limit,
 * buffer and mtu.
 */
function tbfOptions(rate: number, limit: number): Uint8Array {
  const bytes = new Uint8Array(36);
  bytes[1] = tc.TC_LINKLAYER_ETHERNET;
  bytes.set(u32Bytes(Math.min(rate, UINT32)), 8);
  bytes.set(u32Bytes(limit), 24);
  return bytes;
}

/** struct tc_mirred */
function mirredOptions(to: number): Uint8Array {
  const bytes = new Uint8Array(28);
  bytes[8] = tc.TC_ACT_STOLEN;
  bytes[20] = tc.TCA_EGRESS_REDIR;
  bytes.set(u32Bytes(to), 24);
  return bytes;
}

function u64Bytes(value: number): Uint8Array {
  return Uint8Array.of(...u32Bytes(value % 2 ** 32), ...u32Bytes(Math.floor(value / 2 ** 32)));
}

/**
 * Network order in the lower half of the message's `tcm_info`; the upper half is a priority that the kernel
 * chooses.
 */
function networkOrder(protocol: number): number {
  return ((protocol & 0xff) << 8) | (protocol >>> 8);
}
