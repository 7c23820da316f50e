// What the reference plugin `portmap` writes into table nat of iptables, as far as other programs read it:
// nerdctl looks there which host ports are taken (pkg/portutil/iptable). It is text for them and does
// nothing: every rule returns, so connections stay with our maps in nftables, also where the reference is
// beside us and leads packets into the first chain.
//
//   -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"pods\" id: \"1f2a\"" -m multiport
//      --dports 8080,9090 -j CNI-DN-…
//   -A CNI-DN-… -p tcp -m tcp --dport 8080 -m comment --comment "to 10.1.0.2:80" -j RETURN
//   -A CNI-DN-… -d 192.168.50.1/32 -p tcp -m tcp --dport 9090 -m comment --comment "to 10.1.0.2:90" -j RETURN
//
// Of IPv4 alone, since nobody reads that of IPv6. A chain's name is made from the attachment's digest, so it
// is none of the reference's.
import { sha512 } from "../sys/hash.ts";
import type { ChainPlace } from "./table.ts";

/** Where the rules of all pods are. */
export const HOST_PORTS: ChainPlace = { table: "nat", base: "CNI-HOSTPORT-DNAT" };

/** The ports of one attachment. */
export interface PortChain {
  /** 28 characters, the most that iptables takes. */
  name: string;
  network: string;
  containerId: string;
  ports: ListedPort[];
}

export interface ListedPort {
  protocol: "tcp" | "udp" | "sctp";
  /** Undefined: all of the node's addresses. */
  hostAddress: string | undefined;
  hostPort: number;
  address: string;
  containerPort: number;
}

const PREFIX = "CNI-DN-";
const HASH_DIGITS = 21;

/** As many ports as the match multiport takes (linux/netfilter/xt_multiport.h). */
const PORTS_AT_ONCE = 15;

/** XT_MAX_COMMENT_LEN without its NUL. */
const COMMENT_CHARACTERS = 255;

/** The chain's name for the attachment with this digest. */
export function portChainName(owner: string): string {
  return PREFIX + owner.slice(0, HASH_DIGITS);
}

/** How many rules a whole chain has, and how many lead to it. */
export function portChainUses({ ports }: PortChain): { rules: number; jumps: number } {
  return { rules: ports.length, jumps: portRows(ports).length };
}

/**
 * What makes the chain, for iptables-restore, whatever there was of it but jumps. `isFirst`: there is no
 * chain for all pods yet.
 */
export function portChainLines({ name, network, containerId, ports }: PortChain, isFirst: boolean): string[] {
  const whose = commentMatch(`dnat name: "${network}" id: "${containerId}"`);
  return [
    ...(isFirst ? [`-N ${HOST_PORTS.base}`] : []),
    `:${name} - [0:0]`,
    ...ports.map(
      (port) =>
        `-A ${name} ${portMatch(port)} ${commentMatch(`to ${port.address}:${port.containerPort}`)} -j RETURN`,
    ),
    ...portRows(ports).map(
      (row) =>
        `-A ${HOST_PORTS.base} -p ${row[0]?.protocol} ${whose} -m multiport --dports ${row.map(({ hostPort }) => hostPort).join(",")} -j ${name}`,
    ),
  ];
}

/**
 * The chains to which rules lead that name a container of this network, and are not the reference's own.
 * `rules` as `iptables -S` shows them.
 */
export function listPortChains(rules: readonly string[], network: string): string[] {
  const chains = rules.flatMap((rule) => {
    const [, of, containerId = "", chain = ""] =
      /--comment "dnat name: \\"(.*?)\\" id: \\"(.*?)\\"" .*-j (\S+)$/.exec(rule) ?? [];
    return of === network &&
      chain.startsWith(PREFIX) &&
      chain !== PREFIX + sha512(network + containerId).slice(0, HASH_DIGITS)
      ? [chain]
      : [];
  });
  return [...new Set(chains)];
}

function portMatch({ protocol, hostAddress, hostPort }: ListedPort): string {
  const to = hostAddress === undefined ? "" : `-d ${hostAddress}/32 `;
  // Many kernels have no match of SCTP alone.
  return `${to}-p ${protocol} ${protocol === "sctp" ? `-m multiport --dports ${hostPort}` : `-m ${protocol} --dport ${hostPort}`}`;
}

function commentMatch(text: string): string {
  return `-m comment --comment "${text.slice(0, COMMENT_CHARACTERS).replaceAll('"', '\\"')}"`;
}

/** Ports of one protocol, as many as a rule takes. */
function portRows(ports: readonly ListedPort[]): ListedPort[][] {
  return (["tcp", "udp", "sctp"] as const).flatMap((protocol) => {
    const own = ports.filter((port) => port.protocol === protocol);
    return Array.from({ length: Math.ceil(own.length / PORTS_AT_ONCE) }, (_, row) =>
      own.slice(row * PORTS_AT_ONCE, (row + 1) * PORTS_AT_ONCE),
    );
  });
}
