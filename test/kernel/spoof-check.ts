// Attachments for the tests of the MAC spoof check, without files or records: who lives, and who else there
// is, is in memory.

import { macBytes } from "../../src/ip/mac.ts";
import { holderOf } from "../../src/nft/comment.ts";
import {
  ensureSpoofCheck,
  removeSpoofCheck,
  type SpoofCheck,
  type SpoofCheckNode,
} from "../../src/nft/spoof-check.ts";
import { BRIDGE_CHECK, type SpoofTable } from "../../src/nft/spoof-layout.ts";
import type { Netns } from "../support/netns.ts";

/** An attachment by one digit, which its digest and its MAC repeat. */
export function checked(
  digit: string,
  {
    network = "net",
    mac = `0a:00:00:00:00:0${digit}`,
    addresses = undefined as SpoofCheck["addresses"],
    table = BRIDGE_CHECK as SpoofTable,
  } = {},
): SpoofCheck {
  return {
    table,
    network,
    owner: digit.repeat(32),
    label: `${network} c${digit} eth0`,
    hostInterface: `veth${digit.repeat(11)}`,
    mac: macBytes(mac),
    addresses,
  };
}

/** The check on one host. `put` and `take` are what ADD and DEL do. */
export class SpoofChecks {
  readonly host: Netns;
  readonly dead = new Set<string>();
  /** Those whose ADD is running. */
  readonly adding = new Set<string>();
  readonly others: SpoofCheck[] = [];
  /**
   * How often somebody asked for all other attachments: that is dear, and only needed when the table was
   * lost.
   */
  asked = 0;
  locked = 0;

  constructor(host: Netns) {
    this.host = host;
  }

  get node(): SpoofCheckNode {
    return {
      nameOf: holderOf,
      isAlive: (owner) => !this.dead.has(owner),
      isAddRunning: ({ owner }) => this.adding.has(owner),
      underNodeLock: (action) => {
        this.locked++;
        action();
      },
      others: () => {
        this.asked++;
        return this.others;
      },
    };
  }

  put(wanted: SpoofCheck): void {
    ensureSpoofCheck(this.host.rules, wanted, this.node);
  }

  take(check: SpoofCheck): void {
    removeSpoofCheck(this.host.rules, check);
  }

  /** As `nft` shows it. */
  get text(): string {
    return this.host.run("nft list table bridge pontoon");
  }

  /** The elements of a set as `key (comment without the owner)`, sorted. */
  elements(set: string): string[] {
    const { nftables } = this.host.json<{ nftables: { set?: { elem?: NftElement[] } }[] }>(
      `nft -j list set bridge pontoon ${set}`,
    );
    return nftables
      .flatMap((object) => object.set?.elem ?? [])
      .map(({ elem: { val, comment } }) => {
        return `${typeof val === "string" ? val : val.concat.join(" ")} (${comment.split(" ").slice(1).join(" ")})`;
      })
      .sort();
  }
}

interface NftElement {
  elem: { val: string | { concat: string[] }; comment: string };
}
