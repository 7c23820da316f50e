// What attachments of all networks of the node share: the lock on the ruleset, and the list of who needs it.

import { CniError } from "../cni/error.ts";
import { parsePrefixes } from "../ip/prefix.ts";
import { attachmentLabel } from "../plan/add.ts";
import type { HostPortStep, MasqueradeStep, SpoofCheckStep } from "../plan/step.ts";
import type { AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest, hostInterfaceName } from "../record/digest.ts";
import { sameHost } from "../record/format.ts";
import { listRecordedNetworks, openRecordStore, RECORD_ROOT } from "../record/store.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory } from "../sys/file.ts";
import { openLock } from "../sys/flock.ts";
import { attempt } from "./failure.ts";
import type { Machine } from "./machine.ts";

/** A network's name never starts with a dot, so this is no network's folder. */
const NODE_LOCK = `${RECORD_ROOT}/.lock`;
const NODE_LOCK_MS = 10_000;

/**
 * Runs `action` while no other process changes what the node shares. CniError 11 when the lock is not to be
 * had.
 */
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
  const all = networks ?? listRecordedNetworks();
  return all.flatMap((network) =>
    store.listRecords(network).records.filter((record) => sameHost(record.host, host)),
  );
}

/**
 * What the records of all attachments of this host but `except` tell, as `stepOf` reads them: what a lost
 * table has to get back. Throws SystemError.
 */
export function recordedSteps<OneStep>(
  machine: Machine,
  except: string,
  stepOf: (record: AttachmentRecord) => OneStep | undefined,
): OneStep[] {
  return recordedAttachments(machine)
    .filter(({ key }) => attachmentDigest(key) !== except)
    .flatMap((record) => stepOf(record) ?? []);
}

/** The masquerade step that a record tells of; undefined when it has none. */
export function masqueradeOfRecord(record: AttachmentRecord): MasqueradeStep | undefined {
  if (record.masqueradeSubnets === undefined) return undefined;
  return {
    kind: "masquerade",
    backend: record.masqueradeBackend ?? "nftables",
    network: record.key.network,
    owner: attachmentDigest(record.key),
    label: attachmentLabel(record.key),
    bridge: record.gatewayInterface ?? record.bridge,
    subnets: parsePrefixes(record.masqueradeSubnets),
    addresses: parsePrefixes(record.addresses).map(({ address }) => address),
  };
}

/** The spoof check that a record tells of; undefined when it has none. */
export function spoofCheckOfRecord({ key, mac, spoofCheck }: AttachmentRecord): SpoofCheckStep | undefined {
  if (spoofCheck !== true) return undefined;
  return {
    kind: "spoofCheck",
    network: key.network,
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    hostInterface: hostInterfaceName(key),
    mac,
  };
}

/** The host ports that a record tells of; undefined when it has none. */
export function hostPortsOfRecord({ key, hostPorts: ports }: AttachmentRecord): HostPortStep | undefined {
  if (ports === undefined) return undefined;
  return {
    kind: "hostPorts",
    network: key.network,
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    ports,
    allowListening: true,
  };
}
