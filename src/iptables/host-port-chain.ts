// The rules that the reference plugin `portmap` writes into table nat of iptables, as far as other programs
// read them: nerdctl looks there for taken host ports (pkg/portutil/iptable). The rules are text for such
// programs and have no effect: every rule returns, so connections stay with Pontoon's maps in nftables, even
// where the reference is on the node too and leads packets into the first chain.
//
//   -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"pods\" id: \"1f2a\"" -m multiport
//      --dports 8080,9090 -j CNI-DN-…
//   -A CNI-DN-… -p tcp -m tcp --dport 8080 -m comment --comment "to 10.1.0.2:80" -j RETURN
//   -A CNI-DN-… -d 192.168.50.1/32 -p tcp -m tcp --dport 9090 -m comment --comment "to 10.1.0.2:90" -j RETURN
//
// Rules exist for IPv4 alone, since no program reads those of IPv6. A chain's name is made from the
// attachment's digest, so no chain of the reference has it.
import { sha512 } from "../sys/hash.ts";
import type { ChainPlace } from "./table.ts";

/** The chain with the rules of all pods. */
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

/** The number of rules in a whole chain, and of jumps to it. */
export function portChainUses({ ports }: PortChain): { rules: number; jumps: number } {
  return { rules: ports.length, jumps: portRows(ports).length };
}

/**
 * The lines that make the chain, for iptables-restore. The chain may exist, but no rule may lead to it.
 * `isFirst`: there is no chain for all pods yet.
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
 * The chains of this network's containers, found by the rules that lead to them, without chains of the
 * reference. `rules` as `iptables -S` shows them.
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
  // Many kernels lack a match for SCTP alone.
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
