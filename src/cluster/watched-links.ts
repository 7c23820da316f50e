// The interfaces of the node and their addresses, as far as an apply depends on them, kept in step with the
// kernel's events: an event that changes nothing of it is none.
import type { Node } from "../host/node.ts";
import { type Prefix, prefixContains } from "../ip/prefix.ts";
import { listAddressReplies, readAddress } from "../net/address.ts";
import { Link } from "../net/link.ts";
import { listLinkReplies } from "../net/link-list.ts";
import { TUNNEL_ALIAS, TUNNEL_DEVICE } from "../net/node-tunnel.ts";
import type { Reply } from "../netlink/reader.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import { u32At } from "../sys/bytes.ts";
import { prefixKey } from "./key.ts";

/** The first word of the alias of every pod's interface on the node. */
const POD_ALIAS = "pontoon ";

/** An interface as it was told last. */
interface Known {
  kind: "tunnel" | "pod" | "other";
  /** All that an apply would put right or follow. */
  state: string;
  /** Whether routes may lead to it: one of another program may be in the place of ours. */
  isWay: boolean;
}

/** An address as it was told last; those of one link alone are left out. */
interface KnownAddress {
  index: number;
  prefix: Prefix;
  state: string;
}

/** The interfaces and addresses that an apply depends on, as the last events told them. */
export class WatchedLinks {
  private readonly links = new Map<number, Known>();
  private readonly addresses = new Map<string, KnownAddress>();
  /** The subnets of this node's pods: an address in them is their gateway's, and no matter of an apply. */
  podSubnets: readonly Prefix[] = [];

  /** Forgets all, and looks at the node. Throws SystemError. */
  read({ links }: Node): void {
    this.links.clear();
    this.addresses.clear();
    for (const reply of listLinkReplies(links)) this.hearLink(reply);
    for (const reply of listAddressReplies(links)) this.hearAddress(reply);
  }

  /** True for the number of the tunnel device. */
  isTunnel(index: number): boolean {
    return this.links.get(index)?.kind === "tunnel";
  }

  /** Hears RTM_NEWLINK and RTM_DELLINK. Gives what changed by it. */
  hearLink(reply: Reply): "tunnel" | "links" | undefined {
    // A bridge tells of its ports by links of its own family.
    if (reply.payload[0] !== rt.AF_UNSPEC) return undefined;
    // struct ifinfomsg. A pod's interface has many events, and none of them matters.
    const index = u32At(reply.payload, 4);
    const before = this.links.get(index);
    if (before?.kind === "pod" && reply.type === rt.RTM_NEWLINK) return undefined;
    const link = new Link(reply);
    const after = reply.type === rt.RTM_DELLINK ? undefined : known(link);
    if (after === undefined) this.links.delete(index);
    else this.links.set(index, after);
    if (before?.state === after?.state && before?.kind === after?.kind) return undefined;
    if (before?.kind === "tunnel" || after?.kind === "tunnel") return "tunnel";
    // The kernel tells nobody of the IPv4 routes that go with an interface.
    if (before?.isWay && !after?.isWay) return "links";
    const isOther = after?.kind === "other" && before?.kind === "other";
    return isOther && this.hasAddress(index) ? "links" : undefined;
  }

  /** Hears RTM_NEWADDR and RTM_DELADDR. Gives what changed by it. */
  hearAddress(reply: Reply): "tunnel" | "addresses" | undefined {
    // struct ifaddrmsg. Most events are about such addresses, of pods' interfaces.
    if (reply.payload[3] === rt.RT_SCOPE_LINK) return undefined;
    const address = readAddress(reply);
    if (address === undefined) return undefined;
    const { index, prefix, tentative, duplicate } = address;
    const key = `${index} ${prefixKey(prefix)}`;
    const before = this.addresses.get(key);
    const after = { index, prefix, state: `${tentative} ${duplicate}` };
    const isGone = reply.type === rt.RTM_DELADDR;
    if (isGone) this.addresses.delete(key);
    else this.addresses.set(key, after);
    if (isGone ? before === undefined : before?.state === after.state) return undefined;
    if (this.isTunnel(index)) return "tunnel";
    return this.matters(after) ? "addresses" : undefined;
  }

  private hasAddress(index: number): boolean {
    return [...this.addresses.values()].some((each) => each.index === index && this.matters(each));
  }

  private matters({ index, prefix }: KnownAddress): boolean {
    return (
      this.links.get(index)?.kind !== "pod" &&
      !this.podSubnets.some((subnet) => prefixContains(subnet, prefix.address))
    );
  }
}

function known(link: Link): Known {
  const { name, alias, up, mtu, master } = link;
  if (name === TUNNEL_DEVICE) return { kind: "tunnel", state: tunnelState(link), isWay: false };
  if (alias.startsWith(POD_ALIAS) && alias !== TUNNEL_ALIAS) return { kind: "pod", state: "", isWay: false };
  return { kind: "other", state: `${up} ${mtu}`, isWay: up && master === 0 };
}

/** All of the tunnel device but what the kernel counts. */
function tunnelState({ index, alias, up, mtu, mac, description }: Link): string {
  return [index, alias, up, mtu, mac, description].join(" ");
}
