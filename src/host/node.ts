// What attachments of all networks of the node share: the lock on the ruleset, and the list of who needs it.
import { parsePrefixes } from "../ip/prefix.ts";
import { attachmentLabel } from "../plan/add.ts";
import type { HostPortStep, MasqueradeStep, SpoofCheckStep } from "../plan/step.ts";
import type { AttachmentRecord, HostIdentity } from "../record/attachment.ts";
import { attachmentDigest, hostInterfaceName } from "../record/digest.ts";
import { sameHost } from "../record/format.ts";
import { openRecordStore, RECORD_ROOT } from "../record/store.ts";
import { CniError } from "../cni/error.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory, listDirectory } from "../sys/file.ts";
import { openLock } from "../sys/flock.ts";
import { attempt } from "./failure.ts";
import type { Machine } from "./machine.ts";

/** A network's name never starts with a dot, so this is no network's folder. */
const NODE_LOCK = `${RECORD_ROOT}/.lock`;
const NODE_LOCK_MS = 10_000;

/** Runs `action` while no other process changes what the node shares. CniError 11 when the lock is not to be had. */
export function underNodeLock(action: () => void): void {
  using _lock = attempt("recordStore", NODE_LOCK, () => {
    ensureDirectory(RECORD_ROOT);
    return openNodeLock();
  });
  action();
}

/** The same for an action of somebody who holds the lock already. */
export function underHeldNodeLock(action: () => void): void {
  action();
}

function openNodeLock() {
  try {
    return openLock(NODE_LOCK, NODE_LOCK_MS);
  } catch (error) {
    if (!isErrno(error, "ETIMEDOUT")) throw error;
    throw new CniError("tryAgainLater", {
      about: "the node's lock is held by another process",
      cause: `${NODE_LOCK} was not free within ${NODE_LOCK_MS / 1000} s`,
      hint: `Look with "fuser ${NODE_LOCK}" who holds it`,
    });
  }
}

/** The records of all attachments of this host, of these networks or of every one. Throws SystemError. */
export function recordedAttachments(machine: Machine, networks?: readonly string[]): AttachmentRecord[] {
  const store = openRecordStore();
  const host = machine.identity();
  const all = networks ?? listDirectory(RECORD_ROOT).filter((name) => !name.startsWith("."));
  return all.flatMap((network) => store.listRecords(network).records.filter((record) => sameHost(record.host, host)));
}

/** The masquerade steps of all attachments of this host but `except` that use nftables: what a lost table has to get back. Throws SystemError. */
export function masqueradedAttachments(machine: Machine, except: string): MasqueradeStep[] {
  const host = machine.identity();
  return recordedAttachments(machine).flatMap((record) => masqueradeOfRecord(record, host, except) ?? []).filter(({ backend }) => backend === "nftables");
}

/** The same for the MAC spoof check. */
export function spoofCheckedAttachments(machine: Machine, except: string): SpoofCheckStep[] {
  const host = machine.identity();
  return recordedAttachments(machine).flatMap((record) => spoofCheckOfRecord(record, host, except) ?? []);
}

/** The same for host ports. */
export function attachmentsWithHostPorts(machine: Machine, except: string): HostPortStep[] {
  const host = machine.identity();
  return recordedAttachments(machine).flatMap((record) => hostPortsOfRecord(record, host, except) ?? []);
}

/** The masquerade step that a record tells of; undefined when it has none, or is of an earlier boot or another host. */
export function masqueradeOfRecord(record: AttachmentRecord, host: HostIdentity, except = ""): MasqueradeStep | undefined {
  const owner = attachmentDigest(record.key);
  if (record.masqueradeSubnets === undefined || owner === except || !sameHost(record.host, host)) return undefined;
  return {
    kind: "masquerade",
    backend: record.masqueradeBackend ?? "nftables",
    network: record.key.network,
    owner,
    label: attachmentLabel(record.key),
    bridge: record.gatewayInterface ?? record.bridge,
    subnets: parsePrefixes(record.masqueradeSubnets),
    addresses: parsePrefixes(record.addresses).map(({ address }) => address),
  };
}

/** The spoof check that a record tells of; undefined when it has none, or is of an earlier boot or another host. */
export function spoofCheckOfRecord(record: AttachmentRecord, host: HostIdentity, except = ""): SpoofCheckStep | undefined {
  const owner = attachmentDigest(record.key);
  if (record.spoofCheck !== true || owner === except || !sameHost(record.host, host)) return undefined;
  const { key, mac } = record;
  return { kind: "spoofCheck", network: key.network, owner, label: attachmentLabel(key), hostInterface: hostInterfaceName(key), mac };
}

/** The host ports that a record tells of; undefined when it has none, or is of an earlier boot or another host. */
export function hostPortsOfRecord(record: AttachmentRecord, host: HostIdentity, except = ""): HostPortStep | undefined {
  const step = hostPortStepOf(record);
  return step?.owner === except || !sameHost(record.host, host) ? undefined : step;
}

/** The same, of whatever boot and host. */
export function hostPortStepOf({ key, hostPorts: ports }: AttachmentRecord): HostPortStep | undefined {
  if (ports === undefined) return undefined;
  return { kind: "hostPorts", network: key.network, owner: attachmentDigest(key), label: attachmentLabel(key), ports, allowListening: true };
}
