// Differences that are meant and that most rows have. Each is written once, here.
import { type Difference, NOTHING, type ReferencePlugin } from "./row.ts";

const NO_DAD = "nodad=true preferred_life_time=4294967295 scope=global valid_life_time=4294967295";
const STAYS = "The node's one table stays, with nothing of the pod in it.";
const STAYS_OF_SPOOF_CHECK = "The table for MAC addresses stays, with nothing of the pod in it.";
const GROUPS_ARE_CHECKED =
  "D6: with macspoofchk frames to link-local groups meet the check; the reference's bridge takes them in before.";

export const ON_PURPOSE: Difference[] = [
  // Links.
  {
    where: "node.link.port.ifalias",
    reference: NOTHING,
    why: "The host's end says whose it is: `ip -d link` and a GC without memory read it.",
  },
  {
    where: "*node.link.*.ifalias",
    ours: "pontoon: 0a:58 and its IPv4 address are a pod's MAC",
    reference: NOTHING,
    why: "D1: a reused address has the MAC that its neighbours know; the bridge says that no pod of it ever had another one.",
  },
  {
    where: "node.sysctl.ipv6/conf/port/addr_gen_mode",
    ours: "1",
    why: "A bridge port needs no address; the reference's gets one, checks it for duplicates and joins groups for it.",
  },
  {
    where: "node.sysctl.ipv6/conf/port/accept_ra",
    ours: "1",
    why: "The host's end is born a port of the bridge: no frame reaches the node's IP by it, so there is nothing to refuse.",
  },
  {
    where: "*.num_*x_queues",
    ours: "1",
    why: "One queue is what a veth uses; more of them make the creation wait for the kernel.",
  },
  {
    where: "node.link.port.txqlen",
    ours: "1000",
    reference: NOTHING,
    why: "The kernel's default; the reference sets 0, which a queueing discipline set later takes for its limit.",
  },
  {
    where: "node.link.*.MAC is pinned",
    ours: "true",
    reference: "false",
    why: "D4: a bridge of ours has a MAC of its own from the start; the reference's without a gateway takes that of a port.",
  },
  {
    where: "*node.link.*.linkinfo.info_data.no_linklocal_learn",
    ours: "1",
    why: "D6: a pod's frame to a link-local group teaches a bridge of ours no MAC, so it cannot take another pod's frames.",
  },
  {
    where: "node.link.port.linkinfo.info_slave_data.learning",
    ours: "false",
    reference: "true",
    why: "D6: with macspoofchk the port's one MAC is an entry that stays; the reference's bridge learns from frames past its check.",
  },
  {
    where: "node.link.port.linkinfo.info_slave_data.group_fwd_mask",
    ours: "0xfffd",
    why: GROUPS_ARE_CHECKED,
  },
  {
    where: "node.link.port.linkinfo.info_slave_data.group_fwd_mask_str",
    reference: "0x0",
    why: GROUPS_ARE_CHECKED,
  },
  {
    where: "left after*.node.link.*.MAC is pinned",
    ours: "true",
    reference: "false",
    why: "D4: it keeps it.",
  },
  {
    where: "left after DEL.node.link.*.MAC",
    ours: "some MAC",
    reference: "00:00:00:00:00:00",
    why: "D4: it keeps it, D3: the reference's bridge has none left when its last port goes.",
  },
  {
    where: "left after DEL.node.link.*.mtu",
    reference: "1500",
    why: "A bridge keeps the MTU that it was made with; the reference's forgets it with its last port.",
  },
  {
    where: "left after DEL.node.sysctl.ipv6/conf/*/mtu",
    reference: "1500",
    why: "The same, as a kernel setting.",
  },
  // Kernel settings.
  {
    where: "*node.sysctl.ipv6/conf/*/accept_dad",
    ours: "0",
    why: "Pods are reached over IPv6 from beyond the node at once, not when the bridge's own address has been checked for duplicates.",
  },
  {
    where: "red.sysctl.ipv6/conf/eth0/accept_dad",
    ours: "1",
    reference: "0",
    why: "Set where the pod has an IPv6 address; else it is left as the kernel has it.",
  },
  {
    where: "red.sysctl.ipv6/conf/eth0/accept_ra",
    ours: "0",
    reference: "1",
    why: "A pod that was given addresses takes none, and no default route, from whoever on the bridge says that it is a router (D9).",
  },
  {
    where: "red.sysctl.ipv6/conf/eth0/ndisc_notify",
    ours: "1",
    why: "D1: neighbours hear at once that a reused IPv6 address has a new MAC.",
  },
  // Addresses.
  {
    where: "addresses of the node that do not answer yet",
    ours: "0",
    why: "D2: the gateway's IPv6 address answers when ADD returns, not two seconds later.",
  },
  {
    where: "*.address.*:*",
    ours: NO_DAD,
    why: "D2: it is not checked for duplicates, so it is in use at once.",
  },
  // Rules.
  {
    where: "node.rules.*",
    why: "Masquerading is done by maps in one table for the node; what a neighbour sees is compared instead.",
  },
  { where: "left after*.node.rules.inet pontoon", ours: "table", why: STAYS },
  { where: "left after*.node.rules.inet pontoon net?", ours: "map", why: STAYS },
  { where: "left after*.node.rules.inet pontoon on?", ours: "map", why: STAYS },
  { where: "left after*.node.rules.inet pontoon postrouting*", reference: NOTHING, why: STAYS },
  { where: "left after*.node.rules.bridge pontoon", ours: "table", why: STAYS_OF_SPOOF_CHECK },
  {
    where: "left after*.node.rules.bridge pontoon prerouting*",
    reference: NOTHING,
    why: STAYS_OF_SPOOF_CHECK,
  },
  { where: "left after*.node.rules.bridge pontoon guarded", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  { where: "left after*.node.rules.bridge pontoon source?", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  { where: "left after*.node.rules.bridge pontoon source", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  { where: "left after*.node.rules.bridge pontoon addressed", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  { where: "left after*.node.rules.bridge pontoon target6", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  { where: "left after*.node.rules.bridge pontoon dhcp", ours: "set", why: STAYS_OF_SPOOF_CHECK },
  {
    where: "left after*.node.rules.bridge nat*",
    ours: NOTHING,
    why: "The reference leaves a table of its own.",
  },
  {
    where: "left after*.node.rules.ip nat*",
    ours: NOTHING,
    why: "The reference leaves the tables of iptables.",
  },
  {
    where: "left after*.node.rules.ip6 nat*",
    ours: NOTHING,
    why: "The reference leaves the tables of iptables.",
  },
  {
    where: "left after*.node.rules.inet cni_plugins_masquerade*",
    ours: NOTHING,
    why: "The reference leaves a table of its own.",
  },
  // What is written down.
  {
    where: "result.interfaces[?].mtu",
    reference: NOTHING,
    why: "The result has the MTU, for which version 1.1.0 made room.",
  },
  {
    where: "*node.file./var/lib/cni/pontoon*",
    reference: NOTHING,
    why: "Our records, by which DEL and GC know what to take away without being told.",
  },
  // Errors.
  { where: "code", why: "A code says what kind of failure it was; the reference's is 999 nearly always." },
  { where: "hint", ours: "yes", reference: "no", why: "An error says what to do." },
];

/** Differences from one plugin of the reference alone. */
export const ON_PURPOSE_BESIDE: { readonly [Name in ReferencePlugin]: Difference[] } = {
  bridge: [],
  ptp: [
    {
      where: "red.route.main unicast *:* dev eth0*",
      apart: ["prefsrc=*"],
      why: "For IPv6 the kernel takes the nearest address by itself; a route that names one waits until it is in use.",
    },
    {
      where: "red.address.eth0 *",
      apart: ["noprefixroute=true", "nodad=true"],
      why: "The subnet is not on the link, not even for a moment, and no address is checked for duplicates.",
    },
    {
      where: "red.sysctl.ipv6/conf/eth0/accept_dad",
      ours: "0",
      reference: "1",
      why: "Only the node is on the pair, so no address can be there twice.",
    },
    {
      where: "red.sysctl.ipv4/conf/eth0/arp_notify",
      ours: "1",
      reference: "0",
      why: "The node hears at once when a plugin behind changes the pod's MAC.",
    },
    {
      where: "node.route.main unicast * dev port metric 0",
      ours: "flags= protocol=boot scope=link",
      reference: "flags= protocol=boot scope=host",
      why: "The pod is on the link, as `ip route` says it; the reference calls it a part of the node.",
    },
  ],
};

/** Differences that are meant where both refuse an ADD; these are what makes ours better. */
export const ON_REFUSAL: Difference[] = [
  {
    where: "left after*",
    ours: NOTHING,
    why: "D20, L4: a configuration is refused before anything is changed; the reference stops half way.",
  },
  {
    where: "DEL",
    ours: "done",
    reference: "refused",
    why: "D20: a DEL has nothing to refuse after an ADD that was refused.",
  },
];
