// ADD: read, observe, reserve, plan, apply, answer. What fails is taken back, so the machine is as it was.

import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { AddRequest } from "../cni/request.ts";
import { parseResolvConf } from "../cni/resolv-conf.ts";
import type { Dns } from "../cni/result.ts";
import { checkAllowList } from "../host/allow-list.ts";
import { asCniError, attempt, tryAll } from "../host/failure.ts";
import type { Machine } from "../host/machine.ts";
import { openPod } from "../host/namespace.ts";
import { type ObservedBridge, observeBridge } from "../host/observe.ts";
import { checkInterfaceIsFree } from "../host/steps/veth.ts";
import { refuseDuplicate } from "../ipam/duplicate.ts";
import { release } from "../ipam/release.ts";
import { reserve } from "../ipam/reserve.ts";
import { type PodAddress, planAdd } from "../plan/add.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { openRecordStore } from "../record/store.ts";
import { readText } from "../sys/file.ts";
import { type Added, abandon, attach, attachmentOf, type Prepared, planInput, recordOf } from "./attach.ts";
import { addByForeignIpam } from "./foreign-add.ts";

/**
 * Attaches the pod. Throws CniError; the machine is then as it was, the shared bridge and sysctls excepted.
 */
export function add(request: AddRequest, machine: Machine): Added {
  const { netconf } = request;
  checkInterfaceName(request.attachment.interfaceName);
  openPod(request.namespacePath, request.allowOwnNamespace, machine);
  refuseTakenInterface(request.attachment, machine);
  if (netconf.tuning !== undefined) checkAllowList(netconf.tuning);
  const bridge = observeBridge(netconf, machine);
  if (netconf.foreignIpam !== undefined) {
    return addByForeignIpam(request, netconf.foreignIpam, machine, bridge);
  }
  const prepared = prepare(request, machine, bridge, readResolvConf(netconf));
  try {
    return attach(request, machine, prepared);
  } catch (error) {
    throw asCniError(error).withNotUndone(prepared.giveBack());
  }
}

function refuseTakenInterface(key: AttachmentKey, machine: Machine): void {
  try {
    attempt("link", key.interfaceName, () => checkInterfaceIsFree(key.interfaceName, machine));
  } catch (error) {
    if (!isLeftover(key)) throw error;
  }
}

/**
 * An ADD of this attachment was killed: what it left in the pod is cleared when the addresses are reserved,
 * and looked at after that.
 */
function isLeftover(key: AttachmentKey): boolean {
  const records = openRecordStore();
  return attempt(
    "recordStore",
    key.containerId,
    () => records.hasRecord(key) && !records.isComplete(key) && !records.isAddRunning(key),
  );
}

/** The Go skeleton takes such a name, but the kernel makes another one of it: eth%d becomes eth0. */
function checkInterfaceName(name: string): void {
  if (!name.includes("%")) return;
  throw new CniError("badEnvironment", {
    about: `CNI_IFNAME is ${JSON.stringify(name)}`,
    cause: "Linux makes another name of one with %",
    hint: "Choose an interface name without %",
  });
}

/** Reserves the addresses, plans, and writes the intent, all under the lock of the leases. */
function prepare(request: AddRequest, machine: Machine, bridge: ObservedBridge, ipamDns: Dns): Prepared {
  let prepared: Prepared | undefined;
  const { ipam } = request.netconf;
  const directory = leaseDirectory(request.netconf);
  const attachment = attachmentOf(request, machine, directory);
  const commit = (addresses: PodAddress[]): void => {
    const input = planInput(request, bridge, { addresses, routes: ipam?.routes ?? [], ipamDns });
    const record = recordOf(input, machine, attachment.host, directory);
    const intent = attachment.records.createIntent(record);
    prepared = { plan: planAdd(input), record, intent, giveBack: () => giveBack(record, intent, machine) };
  };
  try {
    if (directory === undefined || ipam === undefined) {
      refuseDuplicate(attachment);
      commit([]);
    } else
      reserve({
        ...attachment,
        rangeSets: ipam.rangeSets,
        requested: request.netconf.requestedAddresses,
        keepsForeignHint: bridge.found?.macsFollow,
        beforeCommit: commit,
      });
  } catch (error) {
    if (prepared !== undefined) abandon(prepared.intent, prepared.record, machine);
    throw error;
  }
  if (prepared === undefined) throw new Error("an ADD was not prepared");
  return prepared;
}

function giveBack(record: AttachmentRecord, intent: Prepared["intent"], machine: Machine): string[] {
  const { key, leaseDirectory: directory } = record;
  return tryAll([
    () => {
      if (directory !== undefined) release({ directory, key, record });
    },
    () => abandon(intent, record, machine),
  ]);
}

/** `<dataDir>/<network>`; undefined without built-in IPAM. */
export function leaseDirectory({ ipam, name }: Netconf): string | undefined {
  return ipam === undefined ? undefined : `${ipam.dataDir}/${name}`;
}

function readResolvConf({ ipam }: Netconf): Dns {
  const path = ipam?.resolvConf;
  if (path === undefined) return {};
  return parseResolvConf(
    attempt(
      "invalidConfig",
      `ipam.resolvConf ${JSON.stringify(path)} cannot be read`,
      () => readText(path),
      "Name a file that exists, or take resolvConf out of the configuration",
    ),
  );
}
