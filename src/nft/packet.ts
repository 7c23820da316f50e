// A packet of which a few things are known, and what a chain of rules does to it. Whether a rule fits may be
// unknown; then all that follows from either answer is possible.
import type { Address, Family } from "../ip/address.ts";

/** A packet on its way through the node. Undefined: not known. */
export interface Packet {
  family: Family;
  /** The interfaces by which it comes in and leaves. */
  input: PacketLink | undefined;
  output: PacketLink | undefined;
  source: Address | undefined;
  destination: Address | undefined;
  /** IPPROTO_… */
  protocol: number | undefined;
  sourcePort?: number | undefined;
  destinationPort: number | undefined;
  /** It is for an address of the node, which need not be known. */
  isForNode?: boolean | undefined;
  /** The port of the node that it is for until a host port is translated. */
  nodePort?: number | undefined;
  /** The bridge whose ports its interfaces are, in a chain that sees frames. */
  bridge?: { name: string } | undefined;
  /** Its connection: this is the first packet, or one has been answered. */
  state: "new" | "established" | undefined;
  /** The connection was translated by a host port. */
  isTranslated: boolean;
}

/** An interface of a packet. */
export interface PacketLink {
  name: string;
  index: number | undefined;
  group: number;
}

/** True when the packet fits; undefined where that is not known. */
export type PacketTest = (packet: Packet) => boolean | undefined;

/**
 * What becomes of a packet that a rule fits. `queue`: another program decides. `translate`: its connection
 * gets another destination or source. `unknown`: nobody can tell from here.
 */
export type RuleVerdict =
  | { kind: "accept" | "drop" | "reject" | "return" | "continue" | "queue" | "translate" | "unknown" }
  | { kind: "jump" | "goto"; chain: string };

/** A rule as far as a way through a chain needs it. */
export interface PacketRule {
  tests: PacketTest[];
  verdict: RuleVerdict;
  /** As people write it. */
  readonly text: string;
}

/** A base chain, with the chains that its rules may lead to. */
export interface PacketHook {
  /** As in `chain FORWARD of table ip filter`. */
  title: string;
  policy: "accept" | "drop";
  base: string;
  /** The rules of a chain of the table, read when a packet comes there. */
  rulesOf(chain: string): PacketRule[];
}

/** An end of the packet's way: the chain, and the rule; undefined: the policy of the base chain. */
export interface PacketEnd {
  chain: string;
  rule: PacketRule | undefined;
  /** The packet comes to this end, whatever the unknown is. */
  isCertain: boolean;
}

/** The ends that are possible. */
export interface PacketEnds {
  /** Where it goes on. */
  accepts: PacketEnd[];
  /** Where it ends. */
  drops: PacketEnd[];
}

/**
 * The deepest nesting of jumps that is followed; what is behind is not known. nftables has 16
 * (NFT_JUMP_STACK_SIZE), iptables in its legacy variant no limit.
 */
const DEEPEST = 200;

/**
 * The ends of the packet's way through a hook. Each chain is walked twice at most, so what is not known about
 * rules that lead to chains does not multiply. Throws SystemError.
 */
export function endsOf(hook: PacketHook, packet: Packet): PacketEnds {
  const walk = new Walk(hook, packet);
  const falls = walk.through(hook.base, true);
  if (falls !== "never")
    walk.end(hook.policy, { chain: hook.base, rule: undefined, isCertain: falls === "always" });
  return walk.ends;
}

/** True when the packet is dropped for certain. */
export function isDropped({ accepts, drops }: PacketEnds): boolean {
  return accepts.length === 0 && drops.length > 0;
}

/** Whether a packet that comes into a chain comes out of it, at its end or by a return. */
type Falls = "always" | "perhaps" | "never";

/** The ways in which a packet may go on behind a rule: it ends, it returns from the chain, it stays in it. */
interface Ways {
  ends?: true;
  returns?: true;
  stays?: true;
}

class Walk {
  readonly ends: PacketEnds = { accepts: [], drops: [] };
  /** The chains that were walked, or are: `undefined` while they are. A second walk finds no other ends. */
  private readonly walked = {
    certain: new Map<string, Falls | undefined>(),
    perhaps: new Map<string, Falls | undefined>(),
  };
  private depth = 0;
  private readonly hook: PacketHook;
  private readonly packet: Packet;

  constructor(hook: PacketHook, packet: Packet) {
    this.hook = hook;
    this.packet = packet;
  }

  end(verdict: "accept" | "drop", end: PacketEnd): void {
    this.ends[verdict === "accept" ? "accepts" : "drops"].push(end);
  }

  /** Leads the packet through a chain; `isCertain`: it comes there for certain. */
  through(chain: string, isCertain: boolean): Falls {
    const walked = isCertain ? this.walked.certain : this.walked.perhaps;
    const known = walked.get(chain);
    if (known !== undefined) return known;
    walked.set(chain, undefined);
    this.depth++;
    const falls = this.walk(chain, isCertain);
    this.depth--;
    walked.set(chain, falls);
    return falls;
  }

  private walk(chain: string, isCertain: boolean): Falls {
    let isHere = true;
    let mayReturn = false;
    for (const rule of this.hook.rulesOf(chain)) {
      const fits = fitsAll(rule, this.packet);
      if (fits === false) continue;
      const at = { chain, isCertain: isCertain && isHere && fits === true };
      const { ends, returns, stays } = this.waysBehind(rule, at);
      const isLeft = fits === true && stays === undefined;
      if (ends === undefined && returns === undefined) continue;
      if (returns === true) mayReturn = true;
      if (isLeft && !mayReturn) return "never";
      if (isLeft) return isHere && ends === undefined ? "always" : "perhaps";
      isHere = false;
    }
    return isHere ? "always" : "perhaps";
  }

  /** The ways of a packet that the rule fits. */
  private waysBehind(rule: PacketRule, { chain, isCertain }: { chain: string; isCertain: boolean }): Ways {
    const { verdict } = rule;
    switch (verdict.kind) {
      case "accept":
      case "queue":
      case "translate":
      case "unknown":
        this.end("accept", { chain, rule, isCertain });
        return { ends: true };
      case "drop":
      case "reject":
        this.end("drop", { chain, rule, isCertain });
        return { ends: true };
      case "return":
        return { returns: true };
      case "continue":
        return { stays: true };
      default: {
        // Behind a goto the packet goes back to where this chain was called from.
        const back: Ways = verdict.kind === "goto" ? { returns: true } : { stays: true };
        if (this.isUnwalkable(verdict.chain)) {
          this.end("accept", { chain, rule, isCertain: false });
          return { ends: true, ...back };
        }
        const falls = this.through(verdict.chain, isCertain);
        if (falls === "never") return { ends: true };
        return falls === "always" ? back : { ends: true, ...back };
      }
    }
  }

  /** True for a chain that is being walked, which the kernel refuses, and for one that is too deep. */
  private isUnwalkable(chain: string): boolean {
    const { certain, perhaps } = this.walked;
    const isOpen = (walked: typeof certain): boolean => walked.has(chain) && walked.get(chain) === undefined;
    return isOpen(certain) || isOpen(perhaps) || this.depth >= DEEPEST;
  }
}

function fitsAll({ tests }: PacketRule, packet: Packet): boolean | undefined {
  let all: boolean | undefined = true;
  for (const test of tests) {
    const fits = test(packet);
    if (fits === false) return false;
    if (fits === undefined) all = undefined;
  }
  return all;
}
