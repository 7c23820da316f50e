// The part of an ADD that is the same whoever gives the addresses: what the plan is made from, the record,
// the steps, the answer.

import type { BandwidthConfig } from "../cni/bandwidth.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { HostPortConfig } from "../cni/host-port-config.ts";
import type { AddRequest } from "../cni/request.ts";
import { mergeResults, type Result } from "../cni/result.ts";
import { formatResult } from "../cni/result-format.ts";
import { type Applied, applySteps, undoSteps } from "../host/apply.ts";
import { filterSees } from "../host/bridge-filter.ts";
import { discardDead } from "../host/detach.ts";
import { asCniError, attempt, tryAll } from "../host/failure.ts";
import { planHostPorts, planUnaddressedHostPorts } from "../host/host-port-plan.ts";
import type { Machine } from "../host/machine.ts";
import { hasLink, isDead } from "../host/namespace.ts";
import type { ObservedBridge } from "../host/observe.ts";
import { undoRecordedSpoofCheck } from "../host/steps/spoof-check.ts";
import { formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import type { Attachment } from "../ipam/duplicate.ts";
import { randomMac } from "../net/link.ts";
import { type AddInput, type AddPlan, networkSubnets, type PodAddress } from "../plan/add.ts";
import { macOfAddresses, ownerOfMac } from "../plan/mac.ts";
import type { AttachmentKey, AttachmentRecord, HostIdentity } from "../record/attachment.ts";
import { attachmentDigest, hostInterfaceName, ifbName } from "../record/digest.ts";
import type { Intent } from "../record/intent.ts";
import { openRecordStore } from "../record/store.ts";

/** What an ADD has to say, and how to take it all back should saying it fail. */
export interface Added {
  output: string;
  /** Sentences for the log. */
  notices: string[] | undefined;
  undo(): string[];
}

/** An ADD that has its plan, its addresses and its intent. */
export interface Prepared {
  plan: AddPlan;
  record: AttachmentRecord;
  intent: Intent;
  /** Gives back addresses and intent, last of all; a sentence for each that stayed. */
  giveBack(): string[];
}

/** What comes with the addresses of a pod. */
export type Reserved = Pick<AddInput, "addresses" | "routes" | "ipamDns">;

/** The attachment as a check for a second one of the same name wants it. Throws SystemError. */
export function attachmentOf(
  { attachment: key }: AddRequest,
  machine: Machine,
  directory: string | undefined,
): Attachment {
  return {
    records: openRecordStore(),
    key,
    host: machine.identity(),
    directory: directory ?? "",
    isDead: (record) => isDead(record, machine),
    hasLink: (record) => hasLink(record, machine),
    discard: (record) => discardDead(record, machine),
  };
}

/** What the plan is made from. MACs are chosen here: ask once. */
export function planInput(request: AddRequest, bridge: ObservedBridge, reserved: Reserved): AddInput {
  const { netconf, attachment: key, namespacePath, pod } = request;
  if (netconf.mac !== undefined) refuseForeignMac(netconf.mac, netconf, reserved.addresses);
  return {
    netconf,
    key,
    namespacePath,
    pod,
    ...reserved,
    owner: attachmentDigest(key),
    bridge: { ...bridge, mac: bridge.mac ?? randomMac() },
    hostInterface: { name: hostInterfaceName(key), mac: randomMac() },
    mac: netconf.mac ?? macOfAddresses(reserved.addresses) ?? randomMac(),
    // A port that takes larger packets than its bridge would lose them.
    mtu: netconf.mtu > 0 && netconf.mtu < bridge.mtu ? netconf.mtu : bridge.mtu,
    hostPorts:
      netconf.hostPorts === undefined
        ? undefined
        : hostPortsOf(netconf.hostPorts, netconf, reserved.addresses),
    ifb: netconf.bandwidth === undefined ? undefined : ifbOf(netconf.bandwidth, key),
    isFilteredVlan: netconf.vlan !== 0 && netconf.ipMasq && isFiltered(),
  };
}

/** Few are in a VLAN. */
function isFiltered(): boolean {
  return filterSees(4) || filterSees(6);
}

/** Two pods of a bridge with one MAC would take each other's frames. */
function refuseForeignMac(mac: string, netconf: Netconf, addresses: PodAddress[]): void {
  const owner = ownerOfMac(mac, netconf, addresses);
  if (owner === undefined) return;
  throw new CniError("invalidConfig", {
    about: `the MAC ${mac} belongs to the pod with the address ${formatAddress(owner)}`,
    cause: "a pod's MAC is 0a:58 and its IPv4 address unless another one is asked for",
    hint: `Ask for a MAC that begins otherwise, or for the address ${formatAddress(owner)} too`,
  });
}

function ifbOf({ egress, egressInPod }: BandwidthConfig, key: AttachmentKey): AddInput["ifb"] {
  return egress === undefined || egressInPod ? undefined : { name: ifbName(key), mac: randomMac() };
}

/** A foreign IPAM plugin says the addresses later. */
export function hostPortsOf(
  config: HostPortConfig,
  netconf: Netconf,
  addresses: PodAddress[],
): AddInput["hostPorts"] {
  return netconf.foreignIpam !== undefined && addresses.length === 0
    ? planUnaddressedHostPorts(config, netconf)
    : planHostPorts(config, netconf, addresses);
}

/** The record of an attachment that is made as `input` says. */
export function recordOf(
  input: AddInput,
  machine: Machine,
  host: HostIdentity,
  leaseDirectory: string | undefined,
): AttachmentRecord {
  const { netconf, key, namespacePath, pod, hostInterface, mac, mtu, addresses } = input;
  return {
    version: 1,
    key,
    host,
    namespace: { path: namespacePath, cookie: machine.pod.links.namespaceCookie },
    leaseDirectory,
    bridge: netconf.bridge,
    gatewayInterface: netconf.vlan === 0 ? undefined : netconf.gatewayInterface,
    hostInterface: hostInterface.name,
    hostMac: hostInterface.mac,
    mac,
    mtu,
    pod,
    addresses: addresses.map(({ address }) => formatPrefix(address)),
    masqueradeSubnets:
      netconf.ipMasq && addresses.length > 0
        ? networkSubnets(netconf, addresses).map(formatPrefix)
        : undefined,
    masqueradeBackend: netconf.ipMasq && netconf.ipMasqBackend === "iptables" ? "iptables" : undefined,
    spoofCheck: netconf.macspoofchk ? true : undefined,
    ingressPolicy: netconf.ingressPolicy,
    bandwidth: netconf.bandwidth,
    sourceRouting: netconf.sourceBasedRouting ? true : undefined,
    hostPorts: input.hostPorts,
  };
}

/**
 * Does the steps that are not done yet. The record is completed last, when the answer is ready to be said.
 * What fails is undone, but for `giveBack`.
 */
export function attach(request: AddRequest, machine: Machine, prepared: Prepared, before?: Applied): Added {
  const { plan, record, intent, giveBack } = prepared;
  const applied = applySteps(plan.steps, machine, before);
  const undo = (): string[] => undoSteps(applied.steps, machine);
  try {
    const output = formatResult(resultOf(request, plan, applied), request.netconf.cniVersion);
    if (!attempt("recordStore", record.key.containerId, () => intent.complete())) throw deletedMeanwhile();
    const forget = (): void => void openRecordStore().removeRecord(record.key);
    return { output, notices: plan.notices, undo: () => [...undo(), ...giveBack(), ...tryAll([forget])] };
  } catch (error) {
    throw asCniError(error).withNotUndone(undo());
  }
}

/**
 * Takes back the intent of an ADD that has undone what it made. Until then it counts as one that is being
 * made, and another ADD that puts back a lost table puts back its MAC spoof check too; so that one is looked
 * for once more. Throws CniError and SystemError.
 */
export function abandon(intent: Intent, record: AttachmentRecord, machine: Machine): void {
  intent.abandon();
  if (record.spoofCheck === true) undoRecordedSpoofCheck(record, machine);
}

/** The failure of an ADD that finds its intent gone. */
export function deletedMeanwhile(): CniError {
  return new CniError("tryAgainLater", {
    about: "the attachment was deleted while it was being made",
    hint: "Run ADD again",
  });
}

/**
 * The planned result with the bridge as it really is (another ADD may have made it), after the result of
 * those before us in the chain.
 */
function resultOf({ netconf }: AddRequest, plan: AddPlan, { bridge, vlanGateway }: Applied): Result {
  const [first, ...others] = plan.result.interfaces;
  const interfaces = first === undefined ? [] : [{ ...first, mac: bridge?.mac, mtu: bridge?.mtu }, ...others];
  // The fourth, as in the reference.
  if (vlanGateway !== undefined)
    interfaces.splice(3, 0, { name: netconf.gatewayInterface, mac: vlanGateway.mac, mtu: vlanGateway.mtu });
  const own: Result = { ...plan.result, interfaces };
  return netconf.prevResult === undefined ? own : mergeResults(netconf.prevResult, own);
}
