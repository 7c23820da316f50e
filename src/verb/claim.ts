// The claim of an ADD: its addresses, its description, and the intent, which is written before the kernel is
// touched.

import type { Attachment } from "../attachment/attachment.ts";
import { attachmentTitle } from "../attachment/name.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { AddRequest } from "../cni/request.ts";
import { parseResolvConf } from "../cni/resolv-conf.ts";
import type { Dns } from "../cni/result.ts";
import { attempt } from "../failure/failure.ts";
import type { Rollback } from "../failure/rollback.ts";
import { discardDead } from "../host/discard.ts";
import { chooseDevice, reserveDevice } from "../host/kind/device/claim.ts";
import { isDead } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { takeBack } from "../host/removal.ts";
import { type Claimant, reservationOf } from "../ipam/claimant.ts";
import { refuseDuplicate } from "../ipam/duplicate.ts";
import { explained } from "../ipam/failure.ts";
import { callIpam, type ForeignIpam, findIpam } from "../ipam/foreign.ts";
import { readReservation } from "../ipam/foreign-result.ts";
import { reclaimDead } from "../ipam/full-pool.ts";
import type { Lease } from "../ipam/lease.ts";
import { openLeaseLock } from "../ipam/lease-lock.ts";
import { restoreLostLeases } from "../ipam/lost-lease.ts";
import { release } from "../ipam/release.ts";
import { Reservation } from "../ipam/reserve.ts";
import type { Observed } from "../look/observed.ts";
import { describe, type Given, type Known, withAddresses } from "../plan/describe.ts";
import { completeGateways } from "../plan/gateway.ts";
import { stepOf, stepsOf } from "../plan/steps.ts";
import type { Intent } from "../record/intent.ts";
import { readFileText } from "../sys/file.ts";

/** An ADD that has looked at the node. */
export interface Claim {
  request: AddRequest;
  node: Node;
  /** The changes to undo when the ADD fails. */
  rollback: Rollback;
  known: Known;
  observed: Observed;
}

/** An attachment whose intent is written. */
interface Begun {
  attachment: Attachment;
  intent: Intent;
  /** The attachment as the intent has it last: what of it other processes may have put back goes too. */
  latest: { attachment: Attachment };
}

/** An ADD that has its place: no other call makes an attachment of this key. */
export interface Claimed extends Begun {
  /** The dns that IPAM gives with the addresses. */
  dns: Dns;
  /** True: another program may have given out IPv4 addresses of the network since Pontoon last did. */
  givenByOthers: boolean;
  /** The IPAM plugin that gives the addresses. */
  foreign: Asking | undefined;
}

/** A foreign IPAM plugin, and whether it was asked: from then on it has something to give back. */
interface Asking {
  ipam: ForeignIpam;
  isAsked: boolean;
}

const NOTHING: Given = { addresses: [], routes: [] };

/**
 * Reserves addresses of the built-in IPAM, if there is one, and writes the intent, all under the lock of the
 * leases. Throws CniError.
 */
export function claimAddresses(claim: Claim): Claimed {
  const { request, rollback } = claim;
  const { ipam, requestedAddresses: requested } = request.netconf;
  const dns = readResolvConf(request.netconf);
  const claimant = claimantOf(claim);
  if (ipam === undefined) {
    const begun = attempt("recordStore", attachmentTitle(claimant), () => {
      refuseDuplicate(claimant);
      return begin(claim, NOTHING);
    });
    return { ...begun, dns, givenByOthers: false, foreign: undefined };
  }
  if (hasFewPods(request.netconf)) reviewLeases(claimant, request.netconf);
  const keepsForeignHint = claim.observed.bridge.found?.macsFollow;
  using reservation = Reservation.open({
    ...claimant,
    rangeSets: ipam.rangeSets,
    requested,
    keepsForeignHint,
  });
  const { leases } = reservation;
  const attempted = (): string => reservationOf(claimant);
  const begun = explained("recordStore", attempted, () =>
    begin(claim, { addresses: leases.map(addressOf), routes: ipam.routes }),
  );
  const { directory, key } = claimant;
  rollback.add(() => release({ directory, key, record: begun.attachment }));
  reservation.take();
  return { ...begun, dns, givenByOthers: leases.some((lease) => lease.givenByOthers), foreign: undefined };
}

/** True for a network with two pods at most, or one for each device. */
function hasFewPods({ attach }: Netconf): boolean {
  return attach === "wire" || attach === "device";
}

/**
 * Gives living attachments of a network with few pods the leases back that they have lost: nothing on the
 * node would tell that another pod has their address. Before that clears dead attachments of a wire, so that
 * their addresses are free for the next member.
 */
function reviewLeases(claimant: Claimant, { attach }: Netconf): void {
  const { directory, key } = claimant;
  const { network } = key;
  explained("leaseStore", `compare the leases of network ${network} with its attachments`, () => {
    using _lock = openLeaseLock(directory);
    if (attach === "wire") reclaimDead({ ...claimant, network });
    restoreLostLeases({ ...claimant, network });
  });
}

function addressOf({ address, gateway }: Lease) {
  return { address, gateway };
}

/**
 * Describes the attachment and writes its intent, which is taken back when the ADD fails. A device of the
 * node is chosen before that, and reserved behind it, under the node's lock.
 */
function begin(claim: Claim, given: Given): Begun {
  const { request, node, rollback, known } = claim;
  const { device } = request.netconf;
  if (device === undefined) return writeIntent(claim, given);
  return node.underLock(() => {
    known.device = chooseDevice(device, node);
    const begun = writeIntent(claim, given);
    const step = stepOf("device", begun.attachment);
    rollback.add(() => {
      if (step !== undefined) takeBack(step, { node, attachment: begun.attachment, pod: undefined });
    });
    reserveDevice(begun.attachment, node);
    return begun;
  });
}

function writeIntent({ node, rollback, known }: Claim, given: Given): Begun {
  const attachment = describe(known, given);
  const intent = node.records.createIntent(attachment);
  const latest = { attachment };
  rollback.add((isClean) => abandon({ intent, attachment: latest.attachment }, isClean, node));
  return { attachment, intent, latest };
}

/**
 * Claims the place of an attachment that will get its addresses from a foreign IPAM plugin. The plugin runs
 * when the interface is there, as with the reference bridge: `dhcp` sends through it. The intent is written
 * before that, so that DEL and GC find a killed ADD. Addresses of a dead attachment of that key are given
 * back. Throws CniError.
 */
export function claimPlace(claim: Claim): Claimed {
  const { request, rollback } = claim;
  const { key, netconf } = request;
  const ipam = findIpam(netconf.foreignIpam ?? "", request);
  const claimant = claimantOf(claim);
  const begun = attempt("recordStore", attachmentTitle(claimant), () => {
    const wasThere = claimant.records.hasRecord(key);
    refuseDuplicate(claimant);
    if (wasThere) callIpam(ipam, "DEL");
    return begin(claim, NOTHING);
  });
  const foreign = { ipam, isAsked: false };
  // The plugin's addresses are given back once it was asked, even if it failed or was killed (CNI
  // specification, "Delegated plugin execution").
  rollback.add(() => {
    if (foreign.isAsked) callIpam(ipam, "DEL");
  });
  return { ...begun, dns: {}, givenByOthers: false, foreign };
}

/**
 * Asks the IPAM plugin for addresses, and adds them to the intent. Gives the claim with the addresses and the
 * plugin's dns. Throws CniError.
 */
export function askForeignIpam(claimed: Claimed, asking: Asking, { request, known, node }: Claim): Claimed {
  const { ipam } = asking;
  asking.isAsked = true;
  const { addresses: given, routes, dns } = readReservation(ipam.name, callIpam(ipam, "ADD"));
  const addresses = completeGateways(given, request.netconf);
  const attachment = withAddresses(claimed.attachment, known, { addresses, routes });
  const extend = (): boolean => node.records.extendIntent(claimed.intent, attachment);
  claimed.latest.attachment = attachment;
  if (!attempt("recordStore", attachmentTitle(known), extend)) throw deletedMeanwhile();
  return { ...claimed, attachment, dns };
}

/**
 * Removes the intent of an ADD that has undone its work; when not all is undone the intent stays, without its
 * lock. Before that the ADD counted as running, and another ADD that puts back a lost table put in its MAC
 * spoof check too; so the check is removed once more. Throws CniError and SystemError.
 */
function abandon(
  { intent, attachment }: Pick<Begun, "intent" | "attachment">,
  isClean: boolean,
  node: Node,
): void {
  if (isClean) intent.abandon();
  else intent.leave();
  for (const check of stepsOf(attachment, ["spoofCheck", "nodeSpoofCheck", "arpCheck"]))
    takeBack(check, { node, attachment, pod: undefined });
}

/**
 * Gives living attachments of the network the leases back that they have lost, when this ADD, which has been
 * rolled back, was given one of their addresses. False when none was lost. Throws CniError.
 */
export function giveLeasesBack(claim: Claim): boolean {
  const { key, directory, records, hasLink } = claimantOf(claim);
  if (directory === "") return false;
  return explained("leaseStore", `give back the leases of network ${key.network}`, () => {
    using _lock = openLeaseLock(directory);
    return restoreLostLeases({ records, network: key.network, directory, hasLink }) > 0;
  });
}

/** The error of an ADD that finds its intent gone. */
export function deletedMeanwhile(): CniError {
  return new CniError("tryAgainLater", {
    about: "the attachment was deleted while it was being made",
    hint: "Run ADD again",
  });
}

/** The attachment in the form that IPAM needs. Throws SystemError. */
function claimantOf({ node, known: { key, pod, host, leaseDirectory } }: Claim): Claimant {
  return {
    records: node.records,
    key,
    pod,
    host,
    directory: leaseDirectory ?? "",
    isDead: (attachment) => isDead(attachment, node),
    hasLink: (attachment) => node.hasLink(attachment),
    discard: (attachment) => discardDead(attachment, node),
  };
}

function readResolvConf({ ipam }: Netconf): Dns {
  const path = ipam?.resolvConf;
  if (path === undefined) return {};
  const text = attempt(
    "invalidConfig",
    `ipam.resolvConf ${JSON.stringify(path)} cannot be read`,
    () => readFileText(path),
    "Name a file that exists, or take resolvConf out of the configuration",
  );
  return parseResolvConf(text);
}
