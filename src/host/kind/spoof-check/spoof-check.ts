// The check of the pod's source MAC and source addresses, by elements in the node's nftables tables for it:
// one for ports of bridges, and two for links without a bridge.
import { attempt } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import {
  countLostChecks,
  ensureSpoofCheck,
  isCheckLost,
  isOwnAlone,
  isSpoofChecked,
  isSpoofTableWhole,
  type SpoofCheck,
  spoofElementsOf,
} from "../../../nft/spoof-check.ts";
import { ARP_CHECK, BRIDGE_CHECK, NODE_CHECK, type SpoofTable } from "../../../nft/spoof-layout.ts";
import type { ArpCheckStep, NodeSpoofCheckStep, SourceCheck, SpoofCheckStep } from "../../../plan/step.ts";
import { checkIn } from "../../../ruleset/source-check.ts";
import type { SystemError } from "../../../sys/errno.ts";
import { type Difference, incurable } from "../../difference.ts";
import type { Removal, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { otherAttachments } from "../../recorded.ts";
import { hintOfMissing } from "../../rules-hint.ts";

/** On a bridge: a table of family bridge sees each frame that comes by a port. */
export const spoofCheck: StepKind<SpoofCheckStep> = kindIn(BRIDGE_CHECK);

/** On a link without a bridge: a table of family inet sees each packet that comes into the node. */
export const nodeSpoofCheck: StepKind<NodeSpoofCheckStep> = kindIn(NODE_CHECK);

/** What comes in there as ARP is seen by a table of that family. */
export const arpCheck: StepKind<ArpCheckStep> = kindIn(ARP_CHECK);

type CheckStep = SpoofCheckStep | NodeSpoofCheckStep | ArpCheckStep;

function kindIn<Step extends CheckStep>(table: SpoofTable): StepKind<Step> {
  const checkOf = (step: SourceCheck): SpoofCheck => checkIn(table, step);
  const about = `table ${table.layout.table.title}`;
  const put = (step: Step, node: Node, isAddressed: boolean): void => {
    const facts = {
      ...otherAttachments<CheckStep, SpoofCheck>(step, checkOf, node),
      isAddressed,
      isAddRunning: ({ network, owner }: SpoofCheck) => node.records.isAddOfDigestRunning(network, owner),
    };
    attempt(
      "rules",
      `MAC spoof check of ${step.hostInterface}`,
      () => ensureSpoofCheck(node.rules, checkOf(step), facts),
      (error) => spoofCheckHint(error, { table, step }),
    );
  };
  return {
    apply: (step, { node, isAddressed }) => put(step, node, isAddressed),
    remove: (step, { node }) => removalOf(checkOf(step), node),
    verify: (step, { node }) => attempt("rules", about, () => problemOf(step, checkOf(step), node)),
    restoration: {
      countLost: (steps, node) =>
        attempt("rules", about, () => countLostChecks(node.rules, table, steps.map(checkOf))),
      isSharedLost: (step, node) => attempt("rules", about, () => isCheckLost(node.rules, checkOf(step))),
      putBack: (step, node) => put(step, node, false),
    },
  };
}

/**
 * The removal of the check: the attachment's own elements go, even if another ADD put them back. The port is
 * shut before.
 */
function removalOf(check: SpoofCheck, node: Node): Removal {
  return { shut: check.hostInterface, rules: () => spoofElementsOf(node.rules, check) };
}

/** The problem with the check as a sentence; undefined when there is none. */
function problemOf(step: SourceCheck, check: SpoofCheck, node: Node): Difference | string | undefined {
  const { title } = check.table.layout.table;
  if (!isSpoofTableWhole(node.rules, check))
    return `the nftables table ${title}, which checks ${checkedBy(check)}, is missing or not whole`;
  if (isOwnAlone(node.rules, check)) return undefined;
  if (isSpoofChecked(node.rules, check))
    return incurable(
      `frames from ${step.hostInterface} pass with other source MACs${step.addresses === undefined ? "" : " or addresses"} than the pod's own too: a set of the nftables table ${title} has an element too many`,
    );
  const own = step.addresses?.own.map(formatAddress) ?? [];
  const and = own.length === 0 ? "" : ` and the addresses ${own.join(", ")}`;
  return `the nftables elements that let frames from ${step.hostInterface} through with the source MAC ${step.mac}${and} alone are missing`;
}

/** The object of a check, as its sentences name it. */
function checkedBy({ table }: SpoofCheck): string {
  return table === ARP_CHECK ? "addresses in ARP" : "source MAC addresses";
}

/** The hint for a refusal. ENOENT: the kernel has no chains in this family. */
export function spoofCheckHint(
  error: SystemError,
  { table, step: { addresses } }: { table: SpoofTable; step: SourceCheck },
): string | undefined {
  const key = addresses === undefined ? "macspoofchk" : "ipspoofchk";
  const [family = ""] = table.layout.table.title.split(" ");
  return hintOfMissing(
    error,
    `Use a kernel with nf_tables and its ${family} family (CONFIG_NF_TABLES_${family.toUpperCase()}), or take ${key} out of the configuration`,
  );
}
