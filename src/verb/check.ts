// CHECK: compares an attachment with its record. Changes nothing.
import { type Attachment, addressesOf, VERSION } from "../attachment/attachment.ts";
import { attachmentTitle, hostInterfaceName } from "../attachment/name.ts";
import { CniError } from "../cni/error.ts";
import type { CheckRequest } from "../cni/request.ts";
import { attempt, collectErrors, sentencesOf } from "../failure/failure.ts";
import type { Difference } from "../host/difference.ts";
import { openPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { isAttachedByPontoon } from "../host/recorded.ts";
import { verifySteps } from "../host/verify.ts";
import { formatAddress } from "../ip/address.ts";
import { delegate, foreignIpamOf, passOn } from "../ipam/delegate.ts";
import { leaseDirectoryOf } from "../ipam/lease-directory.ts";
import { ownsLease } from "../ipam/ownership.ts";
import { observeFilter } from "../look/packet-filter.ts";
import { completeDescription, describeByResult } from "../plan/check.ts";
import { findPodEnd, type PodEnd, withResult } from "../plan/result.ts";
import { stepsOf } from "../plan/steps.ts";
import { RECORD_ROOT } from "../record/store.ts";

/**
 * Throws CniError checkFailed with a sentence for each difference; if only a foreign IPAM plugin finds one,
 * the plugin's own error.
 */
export function check(request: CheckRequest, node: Node): void {
  const { netconf, key } = request;
  const { interfaceName } = key;
  const title = attachmentTitle(request);
  using pod = openPod(request.namespacePath, request.allowOwnNamespace, node);
  const record = readRecord(request, node);
  const end = findPodEnd(netconf.prevResult, interfaceName);
  if (end === undefined)
    throw failed(
      title,
      [`the result of its ADD names no interface ${interfaceName} inside the pod`],
      "Delete the pod so that it is made anew",
    );
  const attachment = withResult(expected(record, end, request), netconf.prevResult, end);
  const differences = attempt("checkFailed", title, () => verifySteps(stepsOf(attachment), { node, pod }));
  const problems = [
    ...(record === undefined && isAttachedByPontoon(key, node) ? [recordLost(key.network)] : []),
    ...differences.map(({ sentence }) => sentence),
    ...leaseProblems(attachment),
  ];
  const refusals = collectErrors([() => delegate(foreignIpamOf(record, netconf), request, "CHECK")]);
  if (problems.length === 0) passOn(refusals);
  problems.push(...sentencesOf(refusals));
  if (problems.length > 0) throw failed(title, problems, hintOf(differences, problems.length));
}

/**
 * The record; undefined when another program made the attachment. Throws CniError for a record of a later
 * Pontoon.
 */
function readRecord(request: CheckRequest, { records }: Node): Attachment | undefined {
  const { key } = request;
  return attempt("recordStore", attachmentTitle(request), () => {
    const record = records.getRecord(key);
    const unknown = record === undefined ? records.findUnknownVersion(key) : undefined;
    if (unknown === undefined) return record;
    throw new CniError("recordStore", {
      about: `${unknown.path} is of version ${unknown.version}, which this Pontoon does not know`,
      cause: `a later Pontoon made this attachment; this one knows the versions 1 to ${VERSION}`,
      hint: "Install the later Pontoon again, or delete the pod so that it is made anew",
    });
  });
}

/**
 * The attachment as its ADD described it; fields that the record lacks are taken from configuration and
 * result.
 */
function expected(record: Attachment | undefined, end: PodEnd, request: CheckRequest): Attachment {
  if (record !== undefined && record.version !== 1) return record;
  const { netconf, key, namespacePath: path, pod } = request;
  const described = describeByResult({
    netconf,
    key,
    path,
    pod,
    end,
    leaseDirectory: leaseDirectoryOf(netconf),
    hostInterface: hostInterfaceName(key),
    record,
    isFiltered: observeFilter(netconf),
  });
  return record === undefined ? described : completeDescription(record, described);
}

function recordLost(network: string): string {
  return `the record of the attachment in ${RECORD_ROOT}/${network} is missing or damaged, so a part of it cannot be compared`;
}

function leaseProblems(attachment: Attachment): string[] {
  const { leaseDirectory: directory, key } = attachment;
  if (directory === undefined) return [];
  return addressesOf(attachment)
    .filter((address) => !ownsLease(directory, key, address))
    .map((address) => `the lease of ${formatAddress(address)} in ${directory} is not this container's`);
}

/** The commands that mend the differences, where all problems are such. */
function hintOf(differences: readonly Difference[], problems: number): string {
  const cures = [...new Set(differences.flatMap(({ cure }) => cure ?? []))];
  const anew = "delete the pod so that it is made anew";
  if (cures.length === 0) return `Undo the change by hand, or ${anew}`;
  const run = `Run ${cures.map((cure) => `"${cure}"`).join(" and ")}`;
  const isAll = differences.length === problems && differences.every(({ cure }) => cure !== undefined);
  return isAll ? `${run}, or ${anew}` : `${run} and undo the rest by hand, or ${anew}`;
}

function failed(title: string, problems: string[], hint: string): CniError {
  const [first, ...others] = problems;
  return new CniError("checkFailed", {
    about: first,
    attempted: `Compared ${title} with the result of its ADD`,
    cause: others.length > 0 ? `also: ${others.join("; ")}` : undefined,
    hint,
  });
}
