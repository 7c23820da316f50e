// ADD: read, observe, reserve, plan, apply, answer. What fails is taken back, so the machine is as it was.
import { mapped } from "../list.ts";
import { CniError } from "../cni/error.ts";
import type { Netconf } from "../cni/config.ts";
import type { AddRequest } from "../cni/request.ts";
import { type Dns, mergeResults, type Result } from "../cni/result.ts";
import { formatResult } from "../cni/result-format.ts";
import { parseResolvConf } from "../cni/resolv-conf.ts";
import { applySteps, undoSteps } from "../host/apply.ts";
import type { Bridge } from "../host/steps/bridge.ts";
import { asCniError, attempt, tryAll } from "../host/failure.ts";
import type { Machine } from "../host/machine.ts";
import { isDead, openPod } from "../host/namespace.ts";
import { type ObservedBridge, observeBridge } from "../host/observe.ts";
import { checkInterfaceIsFree } from "../host/steps/veth.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { type Attachment, refuseDuplicate } from "../ipam/duplicate.ts";
import { reserve } from "../ipam/reserve.ts";
import { randomMac } from "../net/link.ts";
import { type AddPlan, networkSubnets, planAdd, type PodAddress } from "../plan/add.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest, hostInterfaceName } from "../record/digest.ts";
import type { Intent } from "../record/intent.ts";
import { openRecordStore } from "../record/store.ts";
import { readText } from "../sys/file.ts";

/** What an ADD has to say, and how to take it all back should saying it fail. */
export interface Added {
  output: string;
  undo(): string[];
}

/** An ADD that has its plan and its addresses, and nothing in the kernel yet. */
interface Prepared {
  plan: AddPlan;
  record: AttachmentRecord;
  intent: Intent;
}

/** Attaches the pod. Throws CniError; the machine is then as it was, the shared bridge and sysctls excepted. */
export function add(request: AddRequest, machine: Machine): Added {
  const { netconf } = request;
  checkInterfaceName(request.attachment.interfaceName);
  openPod(request.namespacePath, request.allowOwnNamespace, machine);
  refuseTakenInterface(request.attachment, machine);
  const bridge = observeBridge(netconf, machine);
  const prepared = prepare(request, machine, bridge, readResolvConf(netconf));
  try {
    return attach(request, machine, prepared);
  } catch (error) {
    throw asCniError(error).withNotUndone(giveBack(prepared));
  }
}

function refuseTakenInterface(key: AttachmentKey, machine: Machine): void {
  try {
    attempt("link", key.interfaceName, () => checkInterfaceIsFree(key.interfaceName, machine));
  } catch (error) {
    if (!isLeftover(key)) throw error;
  }
}

/** An ADD of this attachment was killed: what it left in the pod is cleared when the addresses are reserved, and looked at after that. */
function isLeftover(key: AttachmentKey): boolean {
  const records = openRecordStore();
  return attempt("recordStore", key.containerId, () => records.hasRecord(key) && !records.isComplete(key) && !records.isAddRunning(key));
}

/** The Go skeleton takes such a name, but the kernel makes another one of it: eth%d becomes eth0. */
function checkInterfaceName(name: string): void {
  if (!name.includes("%")) return;
  throw new CniError("badEnvironment", { about: `CNI_IFNAME is ${JSON.stringify(name)}`, cause: "Linux makes another name of one with %", hint: "Choose an interface name without %" });
}

/** Reserves the addresses, plans, and writes the intent, all under the lock of the leases. */
function prepare(request: AddRequest, machine: Machine, bridge: ObservedBridge, resolvDns: Dns): Prepared {
  let prepared: Prepared | undefined;
  const records = openRecordStore();
  const directory = leaseDirectory(request.netconf);
  const host = machine.identity();
  const attachment: Attachment = {
    records, key: request.attachment, host, directory: directory ?? "",
    isDead: (record) => isDead(record, machine),
    discard: (record) => (require("../host/detach.ts") as typeof import("../host/detach.ts")).discardDead(record, machine),
  };
  const commit = (addresses: PodAddress[]): void => {
    const input = planInput(request, bridge, resolvDns, addresses);
    const record = recordOf(request, machine, input, host, directory);
    prepared = { plan: planAdd(input), record, intent: records.createIntent(record) };
  };
  try {
    if (directory === undefined || request.netconf.ipam === undefined) {
      refuseDuplicate(attachment);
      commit([]);
    } else {
      const { ipam, requestedAddresses: requested } = request.netconf;
      reserve({ ...attachment, rangeSets: ipam.rangeSets, requested, beforeCommit: commit });
    }
  } catch (error) {
    prepared?.intent.abandon();
    throw error;
  }
  if (prepared === undefined) throw new Error("an ADD was not prepared");
  return prepared;
}

/** Does the steps. The record is completed last, when the answer is ready to be said. */
function attach(request: AddRequest, machine: Machine, prepared: Prepared): Added {
  const { plan, record, intent } = prepared;
  const { bridge } = applySteps(plan.steps, machine);
  const undo = (): string[] => undoSteps(plan.steps, machine);
  try {
    const output = formatResult(resultOf(request, plan, bridge), request.netconf.cniVersion);
    if (!attempt("recordStore", record.key.containerId, () => intent.complete())) throw new CniError("tryAgainLater", { about: "the attachment was deleted while it was being made", hint: "Run ADD again" });
    const forget = (): void => void openRecordStore().removeRecord(record.key);
    return { output, undo: () => [...undo(), ...giveBack(prepared), ...tryAll([forget])] };
  } catch (error) {
    throw asCniError(error).withNotUndone(undo());
  }
}

/** The planned result with the bridge as it really is (another ADD may have made it), after the result of those before us in the chain. */
function resultOf({ netconf }: AddRequest, plan: AddPlan, bridge: Bridge | undefined): Result {
  const [first, ...others] = plan.result.interfaces;
  const interfaces = first === undefined ? [] : [{ ...first, mac: bridge?.mac, mtu: bridge?.mtu }, ...others];
  const own: Result = { ...plan.result, interfaces };
  return netconf.prevResult === undefined ? own : mergeResults(netconf.prevResult, own);
}

/** Addresses and intent, last of all. Gives a sentence for each that stayed. */
function giveBack({ record, intent }: Prepared): string[] {
  const { key, leaseDirectory: directory } = record;
  const { release } = require("../ipam/release.ts") as typeof import("../ipam/release.ts");
  return tryAll([
    () => { if (directory !== undefined) release({ directory, key, record }); },
    () => intent.abandon(),
  ]);
}

function planInput(request: AddRequest, bridge: ObservedBridge, resolvDns: Dns, addresses: PodAddress[]) {
  const { netconf, attachment: key, namespacePath, pod } = request;
  return {
    netconf, key, namespacePath, pod, addresses, resolvDns,
    owner: attachmentDigest(key),
    bridge: { ...bridge, mac: bridge.mac ?? randomMac() },
    hostInterface: { name: hostInterfaceName(key), mac: randomMac() },
    mac: netconf.mac ?? randomMac(),
    // A port that takes larger packets than its bridge would lose them.
    mtu: netconf.mtu > 0 && netconf.mtu < bridge.mtu ? netconf.mtu : bridge.mtu,
  };
}

function recordOf(request: AddRequest, machine: Machine, input: ReturnType<typeof planInput>, host: AttachmentRecord["host"], directory: string | undefined): AttachmentRecord {
  const { netconf, attachment: key, namespacePath, pod } = request;
  const { hostInterface, mac, mtu, addresses } = input;
  return {
    version: 1, key, host,
    namespace: { path: namespacePath, cookie: machine.pod.links.namespaceCookie },
    leaseDirectory: directory,
    bridge: netconf.bridge,
    hostInterface: hostInterface.name,
    hostMac: hostInterface.mac,
    mac, mtu, pod,
    addresses: mapped(addresses, ({ address }) => formatPrefix(address)),
    masqueradeSubnets: netconf.ipMasq && addresses.length > 0 ? mapped(networkSubnets(netconf, addresses), formatPrefix) : undefined,
    spoofCheck: netconf.macspoofchk ? true : undefined,
  };
}

/** `<dataDir>/<network>`; undefined without built-in IPAM. */
export function leaseDirectory({ ipam, name }: Netconf): string | undefined {
  return ipam === undefined ? undefined : `${ipam.dataDir}/${name}`;
}

function readResolvConf({ ipam }: Netconf): Dns {
  const path = ipam?.resolvConf;
  if (path === undefined) return {};
  return parseResolvConf(attempt("invalidConfig", `ipam.resolvConf ${JSON.stringify(path)} cannot be read`, () => readText(path), "Name a file that exists, or take resolvConf out of the configuration"));
}
