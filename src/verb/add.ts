// ADD: look, claim a place and addresses, do the steps, answer. A failed ADD is taken back, so the node is as
// it was.

import { hasFixedMac } from "../attachment/link.ts";
import { macsKeepFollowing, randomMac, randomMacs } from "../attachment/mac.ts";
import { attachmentTitle } from "../attachment/name.ts";
import { CniError } from "../cni/error.ts";
import type { AddRequest } from "../cni/request.ts";
import { mergeResults } from "../cni/result.ts";
import { formatResult } from "../cni/result-format.ts";
import { attempt, tryAll } from "../failure/failure.ts";
import { Rollback } from "../failure/rollback.ts";
import { AddressTaken } from "../host/address-taken.ts";
import { Attaching } from "../host/attaching.ts";
import { checkInterfaceIsFree } from "../host/kind/veth/veth.ts";
import { ensureFilteringBridge } from "../host/kind/vlan/filtering.ts";
import { checkWireIsFree } from "../host/kind/wire/wire.ts";
import type { BridgePlan, Place } from "../host/kind.ts";
import { openPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import { wayOutNotices } from "../host/way-out.ts";
import { leaseDirectoryOf } from "../ipam/lease-directory.ts";
import { checkAllowList } from "../look/allow-list.ts";
import { type Observed, observe } from "../look/observed.ts";
import type { Known } from "../plan/describe.ts";
import { noticesOf } from "../plan/notice.ts";
import { isDoneAgain, traitsOf } from "../plan/order.ts";
import { dnsOf, resultOf } from "../plan/result.ts";
import type { Step } from "../plan/step.ts";
import { stepsOf } from "../plan/steps.ts";
import { phase } from "../sys/phase.ts";
import {
  askForeignIpam,
  type Claim,
  type Claimed,
  claimAddresses,
  claimPlace,
  deletedMeanwhile,
  giveLeasesBack,
} from "./claim.ts";

/** The answer of an ADD, and the way to take the ADD back should printing fail. */
export interface Added {
  output: string;
  /** Sentences for the log. */
  notices: string[];
  undo(): string[];
}

/** The number of times that an ADD asks for addresses, when it is given those of living attachments. */
const ATTEMPTS = 3;

/** Attaches the pod. Throws CniError; the node is then as it was, the shared bridge and sysctls excepted. */
export function add(request: AddRequest, node: Node): Added {
  phase("look");
  checkInterfaceName(request.key.interfaceName);
  const pod = node.keep(openPod(request.namespacePath, request.allowOwnNamespace, node));
  refuseTakenInterface(request, pod, node);
  if (request.netconf.attach === "wire") checkWireIsFree(request.key, node);
  if (request.netconf.tuning !== undefined) checkAllowList(request.netconf.tuning);
  // The creation of a bridge alone shows whether the kernel keeps VLANs apart.
  if (request.netconf.hasVlans) ensureFilteringBridge(request.netconf.bridge, node);
  for (let round = 1; ; round++) {
    const observed = observe(request.netconf, node.links);
    const known = knownOf(request, { node, pod }, observed);
    const claim: Claim = { request, node, rollback: new Rollback(), known, observed };
    try {
      return claim.rollback.guard(() => attach(claim, pod));
    } catch (error) {
      // A lease was removed although its attachment lives; the address is that attachment's.
      if (round === ATTEMPTS || !(error instanceof AddressTaken) || !giveLeasesBack(claim)) throw error;
    }
  }
}

/** Claims the place of the attachment, does its steps, and answers when the record is complete. */
function attach(claim: Claim, pod: Pod): Added {
  const { node, rollback, request, observed } = claim;
  phase("addresses");
  const claimed = request.netconf.foreignIpam === undefined ? claimAddresses(claim) : claimPlace(claim);
  const title = (): string => attachmentTitle(request);
  const mustGoOn = (): void => {
    if (!attempt("recordStore", title, () => claimed.intent.isWanted())) throw deletedMeanwhile();
  };
  phase("steps");
  const plan = bridgePlanOf(claimed, observed);
  const attaching = new Attaching({ node, pod, mustGoOn }, claimed.attachment, plan);
  rollback.add(() => attaching.undo());
  const steps = stepsOf(claimed.attachment);
  if (claimed.foreign === undefined) {
    attaching.apply(steps);
    return answer(claim, claimed, attaching);
  }
  attaching.apply(steps.filter((step) => !needsAddress(step)));
  const addressed = askForeignIpam(claimed, claimed.foreign, claim);
  attaching.attachment = addressed.attachment;
  attaching.isAddressed = true;
  attaching.apply(stepsOf(addressed.attachment).filter((step) => needsAddress(step) || isDoneAgain(step)));
  return answer(claim, addressed, attaching);
}

/** Formats the result; then completes the record, when the answer is ready to be printed. */
function answer({ request, node, rollback, observed }: Claim, claimed: Claimed, attaching: Attaching): Added {
  phase("record");
  const { netconf, key } = request;
  const { attachment, intent } = claimed;
  const { foundBridge: bridge, vlanGateway } = attaching;
  const own = resultOf(attachment, { bridge, vlanGateway, dns: dnsOf(netconf, claimed.dns) });
  const result = netconf.prevResult === undefined ? own : mergeResults(netconf.prevResult, own);
  const output = formatResult(result, netconf.cniVersion);
  const { isFiltered, bridge: seen } = observed;
  const bridgeLearned = hasFixedMac(attachment.link) && seen.found?.link.ignoresLinkLocal === false;
  const notices = [
    ...attaching.notices,
    ...(attaching.isFirst ? wayOutNotices(netconf, node) : []),
    ...noticesOf(attachment, netconf, { isFiltered, bridgeLearned }),
  ];
  const title = (): string => attachmentTitle(request);
  if (!attempt("recordStore", title, () => intent.complete())) throw deletedMeanwhile();
  const forget = (): void => void node.records.removeRecord(key);
  return {
    output,
    notices,
    undo: () => {
      const stayed = rollback.run();
      return stayed.length > 0 ? stayed : tryAll([forget]);
    },
  };
}

function needsAddress({ kind }: Step): boolean {
  return traitsOf(kind).needsAddress === true;
}

/**
 * The facts about the attachment before its addresses are known. All MACs but that of a new bridge are chosen
 * here.
 */
function knownOf(
  request: AddRequest,
  { node, pod }: Place,
  { bridge, isFiltered, listeners }: Observed,
): Known {
  const { netconf, key, namespacePath: path, pod: podName } = request;
  const [host = "", ofPod = "", ifb = ""] = randomMacs(3);
  return {
    netconf,
    key,
    host: node.identity(),
    namespace: { path, cookie: pod.links.namespaceCookie },
    pod: podName,
    leaseDirectory: leaseDirectoryOf(netconf),
    bridgeMtu: bridge.portMtu,
    macs: { host, pod: ofPod, ifb },
    isFiltered,
    listeners,
  };
}

function bridgePlanOf({ attachment, givenByOthers }: Claimed, { bridge }: Observed): BridgePlan {
  const { mac, mtu, found } = bridge;
  return {
    mac: mac ?? randomMac(),
    mtu,
    found,
    macsFollow: macsKeepFollowing(attachment, found?.macsFollow, givenByOthers),
  };
}

function refuseTakenInterface(request: AddRequest, pod: Pod, node: Node): void {
  const { key } = request;
  try {
    attempt("link", key.interfaceName, () => checkInterfaceIsFree(key.interfaceName, pod));
  } catch (error) {
    if (!isLeftover(request, node)) throw error;
  }
}

/**
 * True when an ADD of this attachment was killed. Its interface in the pod is removed when the addresses are
 * reserved, and the name is checked again after that.
 */
function isLeftover(request: AddRequest, { records }: Node): boolean {
  const { key } = request;
  return attempt(
    "recordStore",
    attachmentTitle(request),
    () => records.hasRecord(key) && !records.isComplete(key) && !records.isAddRunning(key),
  );
}

/** Refuses a name that the Go skeleton takes, but which the kernel replaces: eth%d becomes eth0. */
function checkInterfaceName(name: string): void {
  if (!name.includes("%")) return;
  throw new CniError("badEnvironment", {
    about: `CNI_IFNAME is ${JSON.stringify(name)}`,
    cause: "Linux makes another name of one with %",
    hint: "Choose an interface name without %",
  });
}
