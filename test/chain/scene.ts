// The scenes: how the node is, and what is not as most have it. Each is played with the chain and with our
// one entry.
import type { Difference } from "../differential/row.ts";

export interface ChainScene {
  name: string;
  /** Whether the packet filter sees what goes over bridges; 1 is what nodes of Kubernetes have. */
  bridgeFilter?: 0 | 1;
  /** Keys of one plugin of the chain, and of our entry. */
  bridge?: Record<string, unknown>;
  portmap?: Record<string, unknown>;
  firewall?: Record<string, unknown>;
  ours?: Record<string, unknown>;
  /** Run on the node before all else. */
  node?: string;
  differences?: Difference[];
}

const ITSELF: Difference = {
  where: "* by the host port, from itself",
  ours: "red saw its gateway",
  reference: "no answer",
  why: "A pod with host ports reaches itself by them without hairpinMode, too.",
};
const NFTABLES_SOURCE: Difference = {
  where: "* by the host port*, from another pod",
  ours: "red saw its gateway",
  why: "What comes back passes the node in every case, also where the packet filter does not see bridges; the reference's nftables backend leaves the source.",
};

const FROM_OUTSIDE: Difference = {
  where: "* by the host port, from outside",
  reference: "no answer",
  why: "A host port leads to the pod also where the node drops what it forwards; the reference's rules let in answers alone.",
};

/** As Docker leaves a node. */
const DROP = "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP";

const IPTABLES_CONDITIONS = { conditionsV4: ["!", "-s", "192.168.50.0/24"], conditionsV6: ["-i", "uplink"] };
const NFT_CONDITIONS = {
  conditionsV4: ["iifname", "uplink"],
  conditionsV6: ["ip6", "saddr", "!=", "fd50::/64"],
};

export const SCENES: ChainScene[] = [
  { name: "as most have it", differences: [ITSELF] },
  { name: "the packet filter does not see bridges", bridgeFilter: 0 },
  { name: "the firewall drops what is forwarded", node: DROP, differences: [ITSELF, FROM_OUTSIDE] },
  {
    name: "ingressPolicy same-bridge",
    firewall: { ingressPolicy: "same-bridge" },
    ours: { ingressPolicy: "same-bridge" },
    differences: [ITSELF],
  },
  {
    name: "ingressPolicy isolated",
    firewall: { ingressPolicy: "isolated" },
    ours: { ingressPolicy: "isolated" },
  },
  { name: "hairpinMode", bridge: { hairpinMode: true }, ours: { hairpinMode: true } },
  { name: "snat false", portmap: { snat: false }, ours: { snat: false } },
  { name: "masqAll", portmap: { masqAll: true }, ours: { masqAll: true }, differences: [ITSELF] },
  {
    name: "conditions in the words of iptables",
    portmap: IPTABLES_CONDITIONS,
    ours: IPTABLES_CONDITIONS,
    differences: [ITSELF],
  },
  {
    name: "conditions in the words of nft",
    portmap: { backend: "nftables", ...NFT_CONDITIONS },
    ours: NFT_CONDITIONS,
    differences: [ITSELF, NFTABLES_SOURCE],
  },
  { name: "without ipMasq", bridge: { ipMasq: false }, ours: { ipMasq: false }, differences: [ITSELF] },
  {
    name: "nftables",
    bridge: { ipMasqBackend: "nftables" },
    portmap: { backend: "nftables" },
    differences: [ITSELF, NFTABLES_SOURCE],
  },
];
