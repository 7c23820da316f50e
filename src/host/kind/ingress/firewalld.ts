// firewalld rejects what it forwards for interfaces of no zone. It has rules of its own in nftables, where an
// accept of ours means nothing; so it is asked to put the interface into its zone "trusted", as the reference
// plugin asks for each address. Whether an interface is in a zone is seen in its rules: asking it costs
// milliseconds, and its program a third of a second.
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
 * Packets to the node. All its versions with nftables have this chain, and lead from it to one that knows the
 * zones: to 1.3, to 2.4, from 2.5 on.
 */
const INPUT = "filter_INPUT";
const DISPATCH = ["filter_INPUT_ZONES", "filter_INPUT_POLICIES", "filter_INPUT_dispatch"];
const PROGRAM = "firewall-cmd";
const ZONE = "--zone=trusted";

/**
 * True when firewalld has the interface in any zone, or does not run with nftables: its rules in iptables
 * come after ours. Throws SystemError.
 */
export function isInZone(interfaceName: string, node: Node): boolean {
  return (
    ifThereIsNftables(
      () => node.rules,
      (rules) => {
        if (countChainUses(rules, FIREWALLD, INPUT) === undefined) return true;
        return DISPATCH.some((chain) =>
          rules.dump(listRulesMessage(FIREWALLD, chain)).some((reply) => isAboutInput(reply, interfaceName)),
        );
      },
    ) ?? true
  );
}

/**
 * Puts the interface into the zone. What we put in, we note first, and only that we take out. Throws
 * SystemError and CniError.
 */
export function putIntoZone(interfaceName: string, network: string, node: Node): void {
  putIngressElements(node.rules, [{ set: "trusted", interfaceName, comment: network }]);
  const { status, stderr, stdout, refusal } = run(`--add-interface=${interfaceName}`);
  if (status === 0) return;
  throw new CniError("rules", {
    about: `firewalld did not take ${interfaceName} into its zone trusted`,
    attempted: `Ran ${PROGRAM} ${ZONE} --add-interface=${interfaceName}`,
    cause:
      [stderr.trim(), stdout.trim(), refusal ?? ""].find((text) => text !== "") ??
      `it ended with status ${status}`,
    hint: "Run this command by hand to see what is wrong, or put the bridge into a zone of your choice",
  });
}

/** Takes the interface out of the zone again, if Pontoon put it in. Throws SystemError. */
export function takeOutOfZone(interfaceName: string, node: Node): void {
  ifThereIsNftables(
    () => node.rules,
    (rules) => {
      if (!hasIngressElement(rules, "trusted", interfaceName)) return;
      // It does not run, or has forgotten it: then it is out.
      if (countChainUses(rules, FIREWALLD, INPUT) !== undefined) run(`--remove-interface=${interfaceName}`);
      removeIngressElements(rules, ["trusted"], interfaceName);
    },
  );
}

/** `iifname "cni0" …`, or `iifname "cni*" …`, whose name has no end. */
function isAboutInput({ payload }: Reply, interfaceName: string): boolean {
  let isInput = false;
  for (const { name, data } of listExpressions(readAttributes(payload, GENERIC_HEADER))) {
    if (name === "meta") isInput = data?.be32(nft.NFTA_META_KEY) === nft.NFT_META_IIFNAME;
    if (name !== "cmp" || !isInput) continue;
    const value = data?.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE) ?? new Uint8Array();
    const text = readText(value);
    return value.length < INTERFACE_NAME_BYTES && !value.includes(0)
      ? interfaceName.startsWith(text)
      : text === interfaceName;
  }
  return false;
}

function run(argument: string): Outcome {
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
    args: [ZONE, argument],
    env: { ...wholeEnvironment(), LC_ALL: "C" },
    stdin: "",
    isQuiet: true,
  });
}
