// DEL: takes everything of an attachment away, with or without a namespace, a record or a valid
// configuration.
import { CniError } from "../cni/error.ts";
import type { DelRequest } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import {
  removeLinks,
  removePodRules,
  removeReferenceRulesOfLink,
  removeRules,
  shutPort,
} from "../host/detach.ts";
import { attempt, collectErrors, sentencesOf } from "../host/failure.ts";
import { removeIngressPolicyOf } from "../host/ingress-need.ts";
import type { Machine, Pod } from "../host/machine.ts";
import { openPodIfThere, ownNamespace } from "../host/namespace.ts";
import { removeChainsOf } from "../host/network-chains.ts";
import { forgetMacsFollow } from "../host/steps/bridge.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { release } from "../ipam/release.ts";
import { getLink } from "../net/link.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import type { StoppedAdd } from "../record/intent.ts";
import { openRecordStore, type RecordStore } from "../record/store.ts";
import { isErrno } from "../sys/errno.ts";
import { delegate, delegateIfThere, foreignIpamOf, passOn } from "./delegate.ts";
import { findUnrecordedMac, removeUnrecordedRules } from "./unrecorded.ts";

/** Detaches the pod. Success when nothing is left, also when nothing was there. Throws CniError. */
export function del(request: DelRequest, machine: Machine): void {
  const { attachment: key, config, namespacePath, allowOwnNamespace } = request;
  const records = openRecordStore();
  // What was known of it before, in case its ADD takes all back; what its IPAM plugin gave meanwhile is in
  // the record now.
  const before = readRecord(records, key);
  const running = stopAdd(records, key);
  const record = readRecord(records, key) ?? before;
  const pod = openPodIfThere(namespacePath, machine);
  const inHost = pod?.isHost === true && !allowOwnNamespace;
  const { prevResult } = config;
  const mac = record?.mac ?? macOfResult(key, prevResult);
  const isKnown = record !== undefined || (prevResult !== undefined && prevResult.ips.length > 0);
  const releaseForeign = (): void =>
    (isKnown ? delegate : delegateIfThere)(foreignIpamOf(record, config), request, "DEL");
  detach(
    {
      key,
      record,
      records,
      bridge: config.bridge,
      directory: `${config.dataDir}/${config.name}`,
      pod: inHost ? undefined : pod,
      mac,
      prevResult,
      running,
      releaseForeign,
    },
    machine,
  );
  // Only now: what is the host's own was left alone, all else is gone.
  if (inHost) throw ownNamespace(namespacePath);
}

/** What is known about an attachment that is to go. */
export interface Detachment {
  key: AttachmentKey;
  record: AttachmentRecord | undefined;
  records: RecordStore;
  bridge: string;
  /** `<dataDir>/<network>` of the configuration; the record's own is believed instead. */
  directory: string;
  pod?: Pod | undefined;
  mac?: string | undefined;
  /** What the runtime remembers of the attachment. */
  prevResult?: Result | undefined;
  /** Its ADD, which was told to stop. */
  running?: StoppedAdd | undefined;
  /** Has a foreign IPAM plugin give back its addresses. */
  releaseForeign: () => void;
}

/** An ADD takes milliseconds. One that waits for its port longer ends when its veth goes. */
const ADD_ENDS_MS = 2_000;

/**
 * An ADD that still runs, because its runtime died and it did not, is stopped first. One that cannot be asked
 * for is as good as none.
 */
function stopAdd(records: RecordStore, key: AttachmentKey): StoppedAdd | undefined {
  return orNothing(() => {
    const running = records.stopAdd(key);
    running?.endsWithin(ADD_ENDS_MS);
    return running;
  });
}

/**
 * Takes an attachment away: rules, veth, addresses, record. When the lock of the leases is not to be had,
 * only the veth goes, which needs none. Throws CniError when something could not go, the IPAM plugin's own or
 * code 11 where that is all that failed; the record then stays.
 */
export function detach(detachment: Detachment, machine: Machine): void {
  const { key, record, records, directory, pod, running, releaseForeign } = detachment;
  let busy: CniError | undefined;
  let complete = true;
  const rules = (): void => {
    try {
      complete = removeRulesLocked(detachment, machine);
    } catch (error) {
      if (!(error instanceof CniError) || error.kind !== "tryAgainLater") throw error;
      busy = error;
    }
  };
  const errors = collectErrors([
    () => shutPort(key, record, machine),
    () => forgetOtherMac(detachment, machine),
    rules,
    () => {
      if (record === undefined) removeUnrecordedRules(detachment, machine);
    },
    () => removeLinks(key, record, macOf(detachment), pod, machine, detachment.prevResult),
    () => {
      if (record === undefined) removeReferenceRulesOfLink(key, pod, machine);
    },
    () => {
      if (running?.endsWithin(ADD_ENDS_MS) === false) throw stillRunning(key);
    },
    () => removePodRules(record, pod, machine),
    () => {
      if (busy === undefined && (!complete || wasRestored(detachment))) rules();
    },
    () => {
      if (record?.masqueradeBackend !== undefined) removeChainsOf(record, machine);
    },
    () => {
      if (record?.ingressPolicy !== undefined) removeIngressPolicyOf(record, machine);
    },
    () => {
      if (busy === undefined) release({ directory, key, record });
    },
    () => {
      if (busy === undefined) releaseForeign();
    },
  ]);
  if (busy !== undefined) throw busy;
  if (errors.length === 0)
    errors.push(
      ...collectErrors([
        () => {
          records.removeRecord(key);
        },
      ]),
    );
  if (errors.length === 0) return;
  passOn(errors);
  throw new CniError("cleanup", {
    about: `${errors.length === 1 ? "a part" : `${errors.length} parts`} of container ${key.containerId}, interface ${key.interfaceName} could not be removed`,
    cause: sentencesOf(errors).join("; "),
    hint: "Repeat DEL when the cause is gone; it goes on where it stopped",
  });
}

/**
 * It will take back what it made when it comes to it, by names that are the next ADD's too: a success now
 * would invite that one, which is refused.
 */
function stillRunning({ containerId, interfaceName }: AttachmentKey): CniError {
  return new CniError("tryAgainLater", {
    about: `an ADD of container ${containerId}, interface ${interfaceName} is still running`,
    cause: `it was told to stop and had not ended after ${(2 * ADD_ENDS_MS) / 1000} s`,
    hint: "Find out what it waits for (its IPAM plugin, a lock), then repeat DEL",
  });
}

/**
 * Somebody put its rules back, perhaps after we took them out: "pontoon restore" looks who lives before it
 * does so and after, and now the veth is gone.
 */
function wasRestored({ key, record, records }: Detachment): boolean {
  const hasRules =
    record?.masqueradeSubnets !== undefined || record?.spoofCheck === true || record?.hostPorts !== undefined;
  return hasRules && records.hasRestoredMark(key);
}

/** The pod's interface is known by it when the host's end is not there by our name. */
function macOf({ key, record, directory, pod, mac }: Detachment): string | undefined {
  return mac === undefined && record === undefined && pod !== undefined
    ? findUnrecordedMac(key, directory, pod)
    : mac;
}

/** Of the pod's end, as the plugins behind us left it. */
function macOfResult({ interfaceName }: AttachmentKey, result: Result | undefined): string | undefined {
  return result?.interfaces.find(({ name, sandbox }) => name === interfaceName && sandbox !== undefined)?.mac;
}

/**
 * A plugin behind us (tuning) may have given the pod another MAC, by which its neighbours know its address.
 * Nobody can tell when it is in no result and the pod has gone.
 */
function forgetOtherMac({ key, record, prevResult, pod }: Detachment, machine: Machine): void {
  if (record === undefined) return;
  const last =
    macOfResult(key, prevResult) ??
    (pod === undefined ? undefined : getLink(pod.links, { name: key.interfaceName })?.mac);
  if (last !== record.mac) forgetMacsFollow(record.bridge, machine);
}

/**
 * Under this lock no address changes its owner, so the elements that are looked at are the ones that are
 * deleted.
 */
function removeRulesLocked({ key, record, bridge, directory }: Detachment, machine: Machine): boolean {
  const leases = record?.leaseDirectory ?? directory;
  using _lock = attempt("leaseStore", leases, () => openExistingLeaseLock(leases));
  return removeRules(key, record, bridge, machine);
}

/** A record that cannot be read is as good as none: DEL then looks for the traces themselves. */
function readRecord(records: RecordStore, key: AttachmentKey): AttachmentRecord | undefined {
  return orNothing(() => records.getRecord(key));
}

function orNothing<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (isErrno(error, "EIO", "EACCES", "ELOOP", "EISDIR", "EINVAL", "ENXIO")) return undefined;
    throw error;
  }
}
