// The walk of a packet through chains, where of some rules nobody can tell whether they fit.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  endsOf,
  isDropped,
  type Packet,
  type PacketHook,
  type RuleVerdict,
} from "../../../src/nft/packet.ts";

const PACKET: Packet = {
  family: 4,
  input: undefined,
  output: undefined,
  source: undefined,
  destination: undefined,
  protocol: undefined,
  destinationPort: undefined,
  state: "new",
  isTranslated: false,
};

/** A rule: whether it fits, and its verdict. */
type Rule = readonly [fits: boolean | undefined, verdict: RuleVerdict];
type Chains = Readonly<Record<string, readonly Rule[]>>;

const jump = (chain: string): RuleVerdict => ({ kind: "jump", chain });
const verdict = (kind: "accept" | "drop" | "return"): RuleVerdict => ({ kind });

/** A hook whose first chain is "0", and how many tests a walk makes. */
function hookOf(chains: Chains, policy: "accept" | "drop") {
  const count = { tests: 0 };
  const rules = new Map(
    Object.entries(chains).map(([chain, list]) => [
      chain,
      list.map(([fits, end], at) => {
        const answer = (): boolean | undefined => {
          if (count.tests++ > 100_000) throw new Error("the walk takes too many steps");
          return fits;
        };
        return { tests: [answer], verdict: end, text: `${chain}.${at}` };
      }),
    ]),
  );
  const hook: PacketHook = { title: "", policy, base: "0", rulesOf: (chain) => rules.get(chain) ?? [] };
  return { hook, count };
}

/** Chains of which each leads to the next by two rules of which it is not known whether they fit. */
function nested(depth: number, last: readonly Rule[]): Chains {
  const chains = Array.from({ length: depth }, (_, at): [string, Rule[]] => {
    const next = jump(`${at + 1}`);
    return [
      `${at}`,
      [
        [undefined, next],
        [undefined, next],
      ],
    ];
  });
  return { ...Object.fromEntries(chains), [depth]: last };
}

test("forty nested chains with two undecided jumps each are walked in no more steps than they have rules", () => {
  for (const [last, policy, dropped] of [
    [verdict("drop"), "drop", true],
    [verdict("drop"), "accept", false],
    [verdict("accept"), "drop", false],
  ] as const) {
    const { hook, count } = hookOf(nested(40, [[true, last]]), policy);
    const ends = endsOf(hook, PACKET);
    expect(isDropped(ends)).toBe(dropped);
    expect([...ends.accepts, ...ends.drops].map(({ rule }) => rule?.text)).toContain("40.0");
    // A chain may be met twice: for certain, and perhaps.
    expect(count.tests).toBeLessThanOrEqual(2 * 81);
  }
});

test("chains that lead to themselves, or deeper than a ruleset does, are undecided", () => {
  for (const chains of [{ 0: [[true, jump("0")]] }, nested(1000, [[true, verdict("drop")]])] as Chains[]) {
    const ends = endsOf(hookOf(chains, "drop").hook, PACKET);
    expect(isDropped(ends)).toBe(false);
    expect(ends.accepts.every(({ isCertain }) => !isCertain)).toBe(true);
  }
});

const CHAINS = 5;

const anyChains: fc.Arbitrary<Chains> = fc
  .tuple(...Array.from({ length: CHAINS }, (_, at) => fc.array(anyRule(at), { maxLength: 4 })))
  .map((lists) => Object.fromEntries(lists.map((list, at) => [`${at}`, list])));

/** A rule of that chain, which leads to later ones alone, as the kernel wants it. */
function anyRule(at: number): fc.Arbitrary<Rule> {
  const plain = fc.constantFrom("accept", "drop", "reject", "return", "continue", "unknown");
  const kinds: fc.Arbitrary<RuleVerdict>[] = [plain.map((kind) => ({ kind }) as RuleVerdict)];
  if (at + 1 < CHAINS) {
    const chain = fc.integer({ min: at + 1, max: CHAINS - 1 }).map(String);
    kinds.push(fc.record({ kind: fc.constantFrom("jump", "goto"), chain }));
  }
  return fc.tuple(fc.constantFrom(true, false, undefined), fc.oneof(...kinds));
}

/** The names of rules that may end the packet's way, and "falls" where it may come out of the chain. */
function outcomesOf(chains: Chains, chain: string): Set<string> {
  const outcomes = new Set<string>();
  for (const [at, [fits, end]] of (chains[chain] ?? []).entries()) {
    if (fits === false) continue;
    const stays = add(end, `${chain}.${at}`);
    if (fits === true && !stays) return outcomes;
  }
  return outcomes.add("falls");

  /** Adds what a rule that fits leads to; true when the packet may go on behind it. */
  function add(end: RuleVerdict, name: string): boolean {
    if (end.kind === "continue") return true;
    if (end.kind === "return") outcomes.add("falls");
    else if (!("chain" in end)) outcomes.add(name);
    else {
      const inner = outcomesOf(chains, end.chain);
      for (const each of inner) if (each !== "falls" || end.kind === "goto") outcomes.add(each);
      return end.kind === "jump" && inner.has("falls");
    }
    return false;
  }
}

test("the ends of a walk are those that all answers to the undecided lead to", () => {
  fc.assert(
    fc.property(anyChains, (chains) => {
      const { accepts, drops } = endsOf(hookOf(chains, "drop").hook, PACKET);
      const ends = [...accepts, ...drops];
      expect(new Set(ends.map(({ rule }) => rule?.text ?? "falls"))).toEqual(outcomesOf(chains, "0"));
      const certain = ends.filter(({ isCertain }) => isCertain);
      expect(certain.length === 0 || new Set(ends.map(({ rule }) => rule)).size === 1).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
