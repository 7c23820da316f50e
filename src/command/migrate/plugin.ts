// The plugins of a chain that Pontoon replaces, as a table: their keys that become keys of the pontoon entry,
// and the differences.
import type { Replacement } from "./replacement.ts";

/** The replaced plugins, by type. */
export const REPLACEMENTS: ReadonlyMap<string, Replacement> = new Map<string, Replacement>([
  [
    "portmap",
    {
      keys: ["snat", "masqAll", "markMasqBit", "externalSetMarkChain", "conditionsV4", "conditionsV6"],
      capabilities: ["portMappings"],
      needless: ["backend"],
      differences: ({ backend }) =>
        backend === "nftables"
          ? []
          : [
              {
                key: "backend",
                text: "Pontoon leads host ports by nftables alone, so programs that read the iptables chains CNI-HOSTPORT-DNAT and CNI-DN-... find none, unless compat.iptablesHostPortChains is true",
              },
            ],
    },
  ],
  [
    "firewall",
    {
      keys: ["ingressPolicy"],
      capabilities: [],
      adds: { ingressPolicy: "open" },
      needless: ["backend"],
      without: {
        iptablesAdminChainName: "of an administrator's chains Pontoon leads to CNI-ADMIN alone",
        firewalldZone: "of firewalld's zones Pontoon puts a bridge into trusted alone",
      },
      differences: ({ backend = "", ingressPolicy }) => [
        {
          key: "type",
          text: "the rules are the network's and not a pod's: iptables have a chain PONTOON-FWD-... in the place of CNI-FORWARD and CNI-ISOLATION-..., and lead to CNI-ADMIN where it is, but do not make it",
        },
        ...(backend === ""
          ? []
          : [
              {
                key: "backend",
                text: "is left out: Pontoon answers every firewall that it finds, iptables of both variants and firewalld",
              },
            ]),
        ...(ingressPolicy === "isolated"
          ? [
              {
                key: "ingressPolicy",
                text: "pods on the bridge do not reach each other where bridge-nf-call-iptables is 0 either",
              },
            ]
          : []),
      ],
    },
  ],
  [
    "bandwidth",
    {
      keys: ["ingressRate", "ingressBurst", "egressRate", "egressBurst"],
      capabilities: ["bandwidth"],
      isDeafWithKeys: true,
      differences: (entry) =>
        (["ingress", "egress"] as const).flatMap((direction) => {
          const [rate, burst] = [
            Number(entry[`${direction}Rate`] ?? 0),
            Number(entry[`${direction}Burst`] ?? 0),
          ];
          return rate > 0 && burst > rate
            ? [
                {
                  key: `${direction}Burst`,
                  text: "a burst of more than a second of the rate counts as none given: Pontoon takes 10 ms of the rate",
                },
              ]
            : [];
        }),
    },
  ],
  [
    "tuning",
    {
      keys: ["sysctl", "mtu", "txQLen", "promisc", "allmulti", "mac"],
      capabilities: ["mac"],
      needless: ["dataDir"],
      without: { args: "what stands in args of one plugin alone has no place in the entry of several" },
      isRepeatable: true,
      differences: ({ mtu = 0, dataDir }) => [
        ...(mtu === 0
          ? []
          : [
              {
                key: "mtu",
                text: "a bridge that Pontoon makes, and the node's end of a pair, get this MTU too; tuning sets the pod's end alone",
              },
            ]),
        ...(dataDir === undefined
          ? []
          : [{ key: "dataDir", text: "is left out: Pontoon keeps no files of old values" }]),
      ],
    },
  ],
  [
    "sbr",
    {
      keys: [],
      capabilities: [],
      adds: { sourceBasedRouting: true },
      without: {
        table: "Pontoon chooses the number of the routing table itself",
        gateways: "Pontoon takes the gateways of the addresses",
        addSourceHints: "Pontoon sets no source hints",
      },
      differences: () => [
        {
          key: "type",
          text: "the routing table's number is 10000 and more, and the main table keeps its routes of this network",
        },
      ],
    },
  ],
]);
