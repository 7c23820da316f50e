// The MAC spoof check of the pod's frames, by elements in the node's nftables table of family bridge.

import { getLink, macBytes } from "../../net/link.ts";
import { ifThereIsNftables, type LostRules } from "../../nft/answer.ts";
import { countLost } from "../../nft/owned-table.ts";
import {
  ensureSpoofCheck,
  isSpoofChecked,
  isSpoofTableWhole,
  removeSpoofCheck,
  SPOOF_CHECK,
  type SpoofCheck,
} from "../../nft/spoof-check.ts";
import type { SpoofCheckStep } from "../../plan/step.ts";
import type { AttachmentRecord } from "../../record/attachment.ts";
import { hostInterfaceOfDigest } from "../../record/digest.ts";
import { openRecordStore } from "../../record/store.ts";
import type { SystemError } from "../../sys/errno.ts";
import { attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { recordedSteps, spoofCheckOfRecord, underNodeLock } from "../node.ts";
import { hintOfMissing } from "../rules-hint.ts";

/**
 * Makes sure that the pod's frames are checked; a table that was lost comes back with everybody's elements,
 * under the node's lock.
 */
export function putSpoofCheck(step: SpoofCheckStep, machine: Machine, nodeLock = underNodeLock): void {
  attempt(
    "rules",
    `MAC spoof check of ${step.hostInterface}`,
    () => {
      ensureSpoofCheck(machine.rules, checkOf(step), {
        isAlive: (owner) => getLink(machine.links, { name: hostInterfaceOfDigest(owner) }) !== undefined,
        isAddRunning: ({ network, owner }) => openRecordStore().isAddOfDigestRunning(network, owner),
        underNodeLock: nodeLock,
        others: () => recordedSteps(machine, step.owner, spoofCheckOfRecord).map(checkOf),
      });
    },
    spoofCheckHint,
  );
}

/** Undo: the attachment's own elements go, also those that another ADD put back for it. */
export function undoSpoofCheck(step: SpoofCheckStep, machine: Machine): void {
  ifThereIsNftables(
    () => machine.rules,
    (rules) => removeSpoofCheck(rules, checkOf(step)),
  );
}

/** The same by the attachment's record. */
export function undoRecordedSpoofCheck(record: AttachmentRecord, machine: Machine): void {
  const step = spoofCheckOfRecord(record);
  if (step !== undefined) undoSpoofCheck(step, machine);
}

/** How much of the checks of these attachments is not there. */
export function countLostChecks(steps: readonly SpoofCheckStep[], machine: Machine): LostRules {
  return attempt("rules", "table bridge pontoon", () =>
    countLost(SPOOF_CHECK, steps.map(checkOf), machine.rules),
  );
}

/** What is wrong with the check, or undefined. */
export function verifySpoofCheck(step: SpoofCheckStep, machine: Machine): string | undefined {
  return attempt("rules", "table bridge pontoon", () => {
    if (!isSpoofTableWhole(machine.rules))
      return "the nftables table bridge pontoon, which checks source MAC addresses, is missing or not whole";
    if (isSpoofChecked(machine.rules, checkOf(step))) return undefined;
    return `the nftables elements that let frames from ${step.hostInterface} through with the source MAC ${step.mac} alone are missing`;
  });
}

/** ENOENT: the kernel has no chains in this family. */
function spoofCheckHint(error: SystemError): string | undefined {
  return hintOfMissing(
    error,
    "Use a kernel with nf_tables and its bridge family (CONFIG_NF_TABLES_BRIDGE), or take macspoofchk out of the configuration",
  );
}

function checkOf({ network, owner, label, hostInterface, mac }: SpoofCheckStep): SpoofCheck {
  return { network, owner, label, hostInterface, mac: macBytes(mac) };
}
