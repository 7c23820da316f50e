// The check of the pod's source MAC and source addresses, by elements in the node's nftables table of family
// bridge.
import { attachmentDigest, attachmentLabel } from "../../../attachment/name.ts";
import { attempt } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import { macBytes } from "../../../net/link.ts";
import { countLost } from "../../../nft/owned-table.ts";
import {
  ensureSpoofCheck,
  isOwnAlone,
  isSpoofChecked,
  isSpoofTableWhole,
  SPOOF_CHECK,
  type SpoofCheck,
  spoofElementsOf,
} from "../../../nft/spoof-check.ts";
import type { SpoofCheckStep } from "../../../plan/step.ts";
import type { SystemError } from "../../../sys/errno.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { otherAttachments } from "../../recorded.ts";
import { hintOfMissing } from "../../rules-hint.ts";

export const spoofCheck: StepKind<SpoofCheckStep> = {
  apply: (step, { node, isAddressed }) => putSpoofCheck(step, node, isAddressed),
  remove: removeSpoofCheck,
  verify: verifySpoofCheck,
  restoration: {
    countLost: (steps, node) =>
      attempt("rules", "table bridge pontoon", () => countLost(SPOOF_CHECK, steps.map(checkOf), node.rules)),
    putBack: (step, node) => putSpoofCheck(step, node, false),
  },
};

/**
 * Makes sure that the pod's frames are checked; a table that was lost comes back with the elements of all
 * attachments, under the node's lock.
 */
function putSpoofCheck(step: SpoofCheckStep, node: Node, isAddressed: boolean): void {
  const put = (): void =>
    ensureSpoofCheck(node.rules, checkOf(step), {
      ...otherAttachments(step, checkOf, node),
      isAddressed,
      isAddRunning: ({ network, owner }) => node.records.isAddOfDigestRunning(network, owner),
    });
  attempt("rules", `MAC spoof check of ${step.hostInterface}`, put, spoofCheckHint);
}

/**
 * The removal of the check: the attachment's own elements go, even if another ADD put them back. The port is
 * shut before.
 */
function removeSpoofCheck(step: SpoofCheckStep, { node }: Removing): Removal {
  return { shut: step.hostInterface, rules: () => spoofElementsOf(node.rules, checkOf(step)) };
}

/** The problem with the check as a sentence; undefined when there is none. */
function verifySpoofCheck(step: SpoofCheckStep, { node }: Place): string | undefined {
  return attempt("rules", "table bridge pontoon", () => {
    const check = checkOf(step);
    if (!isSpoofTableWhole(node.rules, check))
      return "the nftables table bridge pontoon, which checks source MAC addresses, is missing or not whole";
    if (isOwnAlone(node.rules, check)) return undefined;
    if (isSpoofChecked(node.rules, check))
      return `frames from ${step.hostInterface} pass with other source MACs${step.addresses === undefined ? "" : " or addresses"} than the pod's own too: a set of the nftables table bridge pontoon has an element too many`;
    const own = step.addresses?.own.map(formatAddress) ?? [];
    const and = own.length === 0 ? "" : ` and the addresses ${own.join(", ")}`;
    return `the nftables elements that let frames from ${step.hostInterface} through with the source MAC ${step.mac}${and} alone are missing`;
  });
}

/** The hint for a refusal. ENOENT: the kernel has no chains in this family. */
function spoofCheckHint(error: SystemError): string | undefined {
  return hintOfMissing(
    error,
    "Use a kernel with nf_tables and its bridge family (CONFIG_NF_TABLES_BRIDGE), or take macspoofchk out of the configuration",
  );
}

function checkOf({ key, hostInterface, mac, addresses }: SpoofCheckStep): SpoofCheck {
  return {
    network: key.network,
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    hostInterface,
    mac: macBytes(mac),
    addresses,
  };
}
