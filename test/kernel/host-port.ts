// Host ports for the tests of the ruleset, without files or records: who lives, and who else there is, is in
// memory.

import { holderOf } from "../../src/nft/comment.ts";
import { hairpinChain } from "../../src/nft/hairpin-chain.ts";
import { ensureHostPorts, findPortElements, removeHostPorts } from "../../src/nft/host-port.ts";
import type { NodeAttachments } from "../../src/nft/owned-table.ts";
import type { PacketTest } from "../../src/nft/packet-test.ts";
import type { HostPorts } from "../../src/nft/port-attachment.ts";
import { conditionChain } from "../../src/nft/port-condition.ts";
import { type PortMapping, PROTOCOLS } from "../../src/nft/port-mapping.ts";
import { address, prefix } from "../support/ip.ts";
import type { Netns } from "../support/netns.ts";

export interface Wishes {
  /** One digit, repeated: the owner's digest. */
  owner: string;
  network?: string;
  subnets?: string[];
  /** As `tcp 192.168.50.1 8080-8090 10.1.0.2 80`; `any` for all addresses. */
  ports: string[];
  /** Who is masqueraded on the way; the pods of the own subnets by default. */
  masquerade?: "nobody" | "own" | "all";
  markBit?: number;
  /** As `4 daddr != 192.0.2.0/24`: for connections over IPv4. */
  conditions?: string[];
}

export function hostPorts({
  owner,
  network = "net",
  subnets = ["10.1.0.0/24", "fd01::/64"],
  ports,
  masquerade = "own",
  markBit = 13,
  conditions = [],
}: Wishes): HostPorts {
  return {
    owner: owner.repeat(32).slice(0, 32),
    label: `${network} c${owner} eth0`,
    mappings: ports.map(mapping),
    chain:
      masquerade === "nobody"
        ? undefined
        : hairpinChain(network, masquerade === "all" ? undefined : subnets.map(prefix)),
    conditions: ([4, 6] as const).flatMap((family) => {
      const tests = conditions.filter((text) => text.startsWith(`${family} `)).map(packetTest);
      return tests.length === 0 ? [] : [conditionChain(family, tests)];
    }),
    markBit,
  };
}

function packetTest(text: string): PacketTest {
  const [, field = "", ...rest] = text.split(" ");
  return { field: field as PacketTest["field"], not: rest[0] === "!=", value: rest.at(-1) ?? "" };
}

function mapping(text: string): PortMapping {
  const [protocol = "", host = "", range = "", to = "", port = ""] = text.split(" ");
  const [first = 0, last = first] = range.split("-").map(Number);
  const target = address(to);
  return {
    family: target.family,
    protocol: PROTOCOLS[protocol as keyof typeof PROTOCOLS],
    hostAddress: host === "any" ? undefined : address(host),
    first,
    last,
    containerPort: Number(port),
    target,
  };
}

/** The host ports of one host. `put` and `take` are what ADD and DEL do. */
export class PortRules {
  readonly host: Netns;
  readonly dead = new Set<string>();
  readonly others: HostPorts[] = [];

  constructor(host: Netns) {
    this.host = host;
  }

  get node(): NodeAttachments<HostPorts> {
    return {
      nameOf: holderOf,
      isAlive: (owner) => !this.dead.has(owner.charAt(0)),
      underNodeLock: (action) => action(),
      others: () => this.others,
    };
  }

  put(wanted: HostPorts): void {
    ensureHostPorts(this.host.rules, wanted, this.node);
  }

  take(ports: HostPorts): boolean {
    return removeHostPorts(this.host.rules, ports);
  }

  has(ports: HostPorts): boolean {
    const { found, wanted } = findPortElements(this.host.rules, ports);
    return found.length === wanted;
  }

  /** As `nft` shows it. */
  get text(): string {
    return this.host.run("nft list table inet pontoon-ports");
  }

  /** The lines with elements, and those that continue them. */
  get elements(): string[] {
    return this.text
      .split("\n")
      .filter((line) => line.includes("comment"))
      .map((line) =>
        line
          .replace("elements = {", "")
          .replace(/[},\s]+$/, "")
          .trim(),
      )
      .sort();
  }
}
