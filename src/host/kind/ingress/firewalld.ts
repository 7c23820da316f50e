// Places of interfaces in zones of firewalld. firewalld rejects forwarded packets of interfaces without a
// zone, in nftables rules of its own, where an accept of Pontoon's rules means nothing. So Pontoon puts the
// interface into the zone "trusted", as the reference plugin does with each address. firewalld's rules tell
// whether an interface is in a zone: a question to firewalld costs milliseconds, and its program a third of a
// second.
import { CniError } from "../../../cni/error.ts";
import { type Reply, readAttributes, readText } from "../../../netlink/reader.ts";
import * as nft from "../../../netlink/uapi/nf_tables.ts";
import { countChainUses, ifThereIsNftables, listExpressions } from "../../../nft/answer.ts";
import { hasIngressElement, putIngressElements, removeIngressElements } from "../../../nft/ingress.ts";
import { INTERFACE_NAME_BYTES } from "../../../nft/key.ts";
import { GENERIC_HEADER, listRulesMessage, type Table } from "../../../nft/message.ts";
import { wholeEnvironment } from "../../../sys/environment.ts";
import { findProgram } from "../../../tool/path.ts";
import { type Outcome, runProgram } from "../../../tool/program.ts";
import type { Node } from "../../node.ts";

const FIREWALLD: Table = { family: nft.NFPROTO_INET, name: "firewalld", title: "inet firewalld" };
/**
 * The chain for packets to the node. All versions with nftables have it, and lead from it to a chain that
 * knows the zones: one name up to 1.3, another up to 2.4, another from 2.5 on.
 */
const INPUT = "filter_INPUT";
const DISPATCH = ["filter_INPUT_ZONES", "filter_INPUT_POLICIES", "filter_INPUT_dispatch"];
const PROGRAM = "firewall-cmd";
const ZONE = "--zone=trusted";

/** The interfaces that firewalld has in its zones. */
export interface Zones {
  /** True for an interface in any zone; for each when firewalld does not run with nftables. */
  has(interfaceName: string): boolean;
}

/**
 * Reads firewalld's rules, once for as many interfaces as are asked for. Its rules in iptables come after
 * Pontoon's. Throws SystemError.
 */
export function readZones(node: Node): Zones {
  const named = ifThereIsNftables(
    () => node.rules,
    (rules) => {
      if (countChainUses(rules, FIREWALLD, INPUT) === undefined) return undefined;
      return DISPATCH.flatMap((chain) =>
        rules.dump(listRulesMessage(FIREWALLD, chain)).flatMap((reply) => inputOf(reply) ?? []),
      );
    },
  );
  if (named === undefined) return { has: () => true };
  const whole = new Set(named.filter(({ isPrefix }) => !isPrefix).map(({ text }) => text));
  const prefixes = named.filter(({ isPrefix }) => isPrefix);
  return { has: (name) => whole.has(name) || prefixes.some(({ text }) => name.startsWith(text)) };
}

/**
 * Notes interfaces that are to be put into the zone: only those are ever taken out. `network` is for people
 * who list the rules. The caller holds the node's lock. Throws SystemError.
 */
export function noteZoned(interfaces: readonly { name: string; network: string }[], node: Node): void {
  putIngressElements(
    node.rules,
    interfaces.map(({ name, network }) => ({ set: "trusted", entry: name, comment: network })),
  );
}

/** Puts noted interfaces into the zone, by one call of firewalld's program. Throws CniError. */
export function putIntoZone(names: readonly string[]): void {
  const args = names.map((name) => `--add-interface=${name}`);
  const { status, stderr, stdout, refusal } = run(args);
  if (status === 0) return;
  throw new CniError("rules", {
    about: `firewalld did not take ${names.join(", ")} into its zone trusted`,
    attempted: `Ran ${[PROGRAM, ZONE, ...args].join(" ")}`,
    cause:
      [stderr.trim(), stdout.trim(), refusal ?? ""].find((text) => text !== "") ??
      `it ended with status ${status}`,
    hint: "Run this command by hand to see what is wrong, or put this interface into a zone of your choice",
  });
}

/** Takes the interface out of the zone again, if Pontoon put it in. Its note stays. Throws SystemError. */
export function takeOutOfZone(name: string, node: Node): void {
  ifThereIsNftables(
    () => node.rules,
    (rules) => {
      // Without such rules firewalld does not run, or has forgotten the interface, which is then out.
      if (hasIngressElement(rules, "trusted", name) && countChainUses(rules, FIREWALLD, INPUT) !== undefined)
        run([`--remove-interface=${name}`]);
    },
  );
}

/** Removes the note of an interface. The caller holds the node's lock. Throws SystemError. */
export function forgetZoned(name: string, node: Node): void {
  ifThereIsNftables(
    () => node.rules,
    (rules) => {
      if (hasIngressElement(rules, "trusted", name)) removeIngressElements(rules, ["trusted"], name);
    },
  );
}

/**
 * The interface that a rule is about: `iifname "cni0" …`, or `iifname "cni*" …`, where the name has no end.
 * Undefined for any other rule.
 */
function inputOf({ payload }: Reply): { text: string; isPrefix: boolean } | undefined {
  let isInput = false;
  for (const { name, data } of listExpressions(readAttributes(payload, GENERIC_HEADER))) {
    if (name === "meta") isInput = data?.be32(nft.NFTA_META_KEY) === nft.NFT_META_IIFNAME;
    if (name !== "cmp" || !isInput) continue;
    const value = data?.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE) ?? new Uint8Array();
    return { text: readText(value), isPrefix: value.length < INTERFACE_NAME_BYTES && !value.includes(0) };
  }
  return undefined;
}

function run(options: readonly string[]): Outcome {
  const file = findProgram([PROGRAM]);
  if (file === undefined)
    return {
      status: undefined,
      signal: undefined,
      refusal: `${PROGRAM} is not there`,
      stdout: "",
      stderr: "",
    };
  return runProgram({
    file,
    args: [ZONE, ...options],
    env: { ...wholeEnvironment(), LC_ALL: "C" },
    stdin: "",
    isQuiet: true,
  });
}
