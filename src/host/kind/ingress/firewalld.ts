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

/**
 * True when firewalld has the interface in any zone, or does not run with nftables: its rules in iptables
 * come after Pontoon's. Throws SystemError.
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
 * Puts the interface into the zone. Pontoon notes each interface before it puts it in, and takes out only
 * noted interfaces. Throws SystemError and CniError.
 */
export function putIntoZone(interfaceName: string, network: string, node: Node): void {
  putIngressElements(node.rules, [{ set: "trusted", entry: interfaceName, comment: network }]);
  const { status, stderr, stdout, refusal } = run(`--add-interface=${interfaceName}`);
  if (status === 0) return;
  throw new CniError("rules", {
    about: `firewalld did not take ${interfaceName} into its zone trusted`,
    attempted: `Ran ${PROGRAM} ${ZONE} --add-interface=${interfaceName}`,
    cause:
      [stderr.trim(), stdout.trim(), refusal ?? ""].find((text) => text !== "") ??
      `it ended with status ${status}`,
    hint: "Run this command by hand to see what is wrong, or put this interface into a zone of your choice",
  });
}

/** Takes the interface out of the zone again, if Pontoon put it in. Throws SystemError. */
export function takeOutOfZone(interfaceName: string, node: Node): void {
  ifThereIsNftables(
    () => node.rules,
    (rules) => {
      if (!hasIngressElement(rules, "trusted", interfaceName)) return;
      // Without such rules firewalld does not run, or has forgotten the interface, which is then out.
      if (countChainUses(rules, FIREWALLD, INPUT) !== undefined) run(`--remove-interface=${interfaceName}`);
      removeIngressElements(rules, ["trusted"], interfaceName);
    },
  );
}

/**
 * True for a rule about the interface: `iifname "cni0" …`, or `iifname "cni*" …`, where the name has no end.
 */
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
