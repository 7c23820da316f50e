// CHECK: compares an attachment with what its ADD made. Changes nothing.
import { CniError } from "../cni/error.ts";
import type { CheckRequest } from "../cni/request.ts";
import { verifySteps } from "../host/apply.ts";
import { attempt, collectErrors, sentencesOf } from "../host/failure.ts";
import type { Machine } from "../host/machine.ts";
import { openPod } from "../host/namespace.ts";
import { formatAddress } from "../ip/address.ts";
import { ownsLease } from "../ipam/ownership.ts";
import { planCheck } from "../plan/check.ts";
import { attachmentDigest, hostInterfaceName, ifbName } from "../record/digest.ts";
import { openRecordStore } from "../record/store.ts";
import { leaseDirectory } from "./add.ts";
import { delegate, foreignIpamOf, passOn } from "./delegate.ts";

/**
 * Throws CniError checkFailed with a sentence for each thing that is not as it was made; what a foreign IPAM
 * plugin alone has to say in its own words.
 */
export function check(request: CheckRequest, machine: Machine): void {
  const { netconf, attachment: key, namespacePath } = request;
  openPod(namespacePath, request.allowOwnNamespace, machine);
  const record = attempt("recordStore", key.containerId, () => openRecordStore().getRecord(key));
  const owner = attachmentDigest(key);
  const plan = planCheck({
    netconf,
    prevResult: netconf.prevResult,
    key,
    owner,
    namespacePath,
    hostInterface: hostInterfaceName(key),
    ifb: ifbName(key),
    record,
  });
  if (plan === undefined)
    throw failed(key.containerId, [
      `the result of its ADD names no interface ${key.interfaceName} inside the pod`,
    ]);
  const problems = attempt("checkFailed", key.containerId, () => verifySteps(plan.steps, machine));
  const directory = record?.leaseDirectory ?? leaseDirectory(netconf);
  if (directory !== undefined) {
    const lost = plan.ips
      .map(({ address }) => address.address)
      .filter((address) => !ownsLease(directory, key, address));
    problems.push(
      ...lost.map(
        (address) => `the lease of ${formatAddress(address)} in ${directory} is not this container's`,
      ),
    );
  }
  const refusals = collectErrors([() => delegate(foreignIpamOf(record, netconf), request, "CHECK")]);
  if (problems.length === 0) passOn(refusals);
  problems.push(...sentencesOf(refusals));
  if (problems.length > 0) throw failed(key.containerId, problems);
}

function failed(containerId: string, problems: string[]): CniError {
  const [first, ...others] = problems;
  return new CniError("checkFailed", {
    about: first,
    attempted: `Compared container ${containerId} with the result of its ADD`,
    cause: others.length > 0 ? `also: ${others.join("; ")}` : undefined,
    hint: "Undo the change by hand, or delete the pod so that it is made anew",
  });
}
