// Attachments for the tests of the ruleset, without files or records: who lives, and who else there is, is in
// memory.

import type { Masquerade, MasqueradeNode } from "../../src/nft/address-claim.ts";
import { holderOf } from "../../src/nft/comment.ts";
import { networkChain } from "../../src/nft/layout.ts";
import { ensureMasquerade, removeMasquerade } from "../../src/nft/masquerade.ts";
import { address, prefix } from "../support/ip.ts";
import type { Netns } from "../support/netns.ts";

export interface Wishes {
  /** One digit, repeated: the owner's digest. */
  owner: string;
  network?: string;
  gatewayInterface?: string;
  subnets?: string[];
  addresses: string[];
  label?: string;
}

export function attachment({
  owner,
  network = "net",
  gatewayInterface = "br0",
  subnets = ["10.1.0.0/24", "fd01::/64"],
  addresses,
  label,
}: Wishes): Masquerade {
  return {
    owner: owner.repeat(32).slice(0, 32),
    label: label ?? `${network} c${owner} eth0`,
    chain: networkChain(network, subnets.map(prefix)),
    gatewayInterface,
    addresses: addresses.map(address),
  };
}

/** The ruleset of one host. `put` and `take` are what ADD and DEL do. */
export class Ruleset {
  readonly host: Netns;
  readonly dead = new Set<string>();
  readonly others: Masquerade[] = [];
  /**
   * How often somebody asked for all other attachments: that is dear, and only needed when the table was
   * lost.
   */
  asked = 0;
  locked = 0;
  readonly gaveWay: string[] = [];

  constructor(host: Netns) {
    this.host = host;
  }

  get node(): MasqueradeNode {
    return {
      nameOf: holderOf,
      isAlive: (owner) => !this.dead.has(owner),
      isBehind: () => false,
      underNodeLock: (action) => {
        this.locked++;
        action();
      },
      giveWay: (owner) => this.gaveWay.push(owner),
      others: () => {
        this.asked++;
        return this.others;
      },
    };
  }

  put(wanted: Masquerade): void {
    ensureMasquerade(this.host.rules, wanted, this.node);
  }

  take({ owner, gatewayInterface, addresses, chain }: Masquerade): void {
    removeMasquerade(this.host.rules, { owner, gatewayInterface, addresses }, { chain: chain.name });
  }

  /** As `nft` shows it. */
  get text(): string {
    return this.host.run("nft list table inet pontoon");
  }

  /** The elements of a map as `key chain (comment without the owner)`, sorted. */
  elements(map: string): string[] {
    const { nftables } = this.host.json<{ nftables: { map?: { elem?: NftElement[] } }[] }>(
      `nft -j list map inet pontoon ${map}`,
    );
    return nftables
      .flatMap((object) => object.map?.elem ?? [])
      .map(([{ elem }, verdict]) => {
        const key = typeof elem.val === "string" ? elem.val : elem.val.concat.join(" . ");
        return `${key} ${verdict.goto.target} (${elem.comment.split(" ").slice(1).join(" ")})`;
      })
      .sort();
  }

  /** The names of the chains that there are, sorted. */
  chains(): string[] {
    const { nftables } = this.host.json<{ nftables: { chain?: { name: string } }[] }>("nft -j list chains");
    return nftables.flatMap(({ chain }) => chain?.name ?? []).sort();
  }
}

type NftElement = [
  { elem: { val: string | { concat: string[] }; comment: string } },
  { goto: { target: string } },
];
