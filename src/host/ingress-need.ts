// Which parts of an ingress policy living attachments need: those that the last one leaves go. An attachment
// lives when it has its veth, or its ADD is running; a record alone says little, since of two DELs at once
// each would find that of the other.

import { parsePrefixes } from "../ip/prefix.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { listIngressInterfaces } from "../nft/ingress.ts";
import { familiesOf } from "../plan/add.ts";
import type { IngressPolicyStep } from "../plan/step.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";
import { listRecordedNetworks, openRecordStore } from "../record/store.ts";
import { attempt } from "./failure.ts";
import { listPassable } from "./forward-chains.ts";
import { type IngressPart, partsOf, partsToRemove, removeParts } from "./ingress-part.ts";
import { listPortsLike } from "./leftover.ts";
import type { Machine } from "./machine.ts";
import { hasLink } from "./namespace.ts";
import { underNodeLock } from "./node.ts";

/** The policy that a record tells of; undefined when it has none. */
export function ingressPolicyOfRecord({
  key,
  ingressPolicy: policy,
  bridge,
  gatewayInterface,
  addresses,
}: AttachmentRecord): IngressPolicyStep | undefined {
  if (policy === undefined) return undefined;
  return {
    kind: "ingressPolicy",
    policy,
    network: key.network,
    owner: attachmentDigest(key),
    bridge,
    interfaceName: gatewayInterface ?? bridge,
    families: familiesOf(parsePrefixes(addresses)),
  };
}

/** Where attachments go, and which one. */
export interface LeftInterface {
  network: string;
  bridge: string;
  interfaceName: string;
  /** The digest of the attachment that goes. */
  owner: string;
}

/**
 * Takes away those of the parts of an interface that nobody else needs. Only under the node's lock. Throws
 * SystemError and CniError.
 */
export function removeUnneededParts(
  parts: readonly IngressPart[],
  left: LeftInterface,
  machine: Machine,
): void {
  removeParts(unneededParts(parts, left, machine), left.interfaceName, machine);
}

/** Takes away what an attachment whose veth has gone needed alone. Takes the node's lock. Throws CniError. */
export function removeIngressPolicyOf(record: AttachmentRecord, machine: Machine): void {
  const step = ingressPolicyOfRecord(record);
  if (step === undefined) return;
  underNodeLock(() =>
    attempt("cleanup", `ingress policy of network ${step.network}`, () =>
      removeUnneededParts(partsOf(step.policy, step.families), step, machine),
    ),
  );
}

/**
 * Takes away what nobody needs of a network's bridge and of its interfaces in VLANs, found without any
 * record. Takes the node's lock where there is any. Throws CniError.
 */
export function removeUnneededPolicies(
  { network, bridge, owner }: Omit<LeftInterface, "interfaceName">,
  machine: Machine,
): void {
  const isOurs = (name: string): boolean => name === bridge || name.startsWith(`${bridge}.`);
  attempt("cleanup", `ingress policy of network ${network}`, () => {
    const interfaces = [
      ...new Set([
        ...(ifThereIsNftables(() => machine.rules, listIngressInterfaces) ?? []),
        ...listPassable(machine),
      ]),
    ].filter(isOurs);
    if (interfaces.length === 0) return;
    underNodeLock(() => {
      for (const interfaceName of interfaces)
        removeUnneededParts(
          partsToRemove(interfaceName, machine),
          { network, bridge, interfaceName, owner },
          machine,
        );
    });
  });
}

/** The network's own records come first: mostly the first of them tells enough. */
function unneededParts(
  parts: readonly IngressPart[],
  { network, bridge, interfaceName, owner }: LeftInterface,
  machine: Machine,
): IngressPart[] {
  const records = openRecordStore();
  const unneeded = new Set(parts);
  const takesAll = (record: AttachmentRecord): boolean => {
    const step = ingressPolicyOfRecord(record);
    if (step === undefined || step.owner === owner || step.interfaceName !== interfaceName) return false;
    if (hasLink(record, machine) || records.isAddRunning(record.key))
      for (const part of partsOf(step.policy, step.families)) unneeded.delete(part);
    return unneeded.size === 0;
  };
  const others = listRecordedNetworks().filter((name) => name !== network);
  for (const name of [network, ...others]) if (records.hasRecordLike(name, takesAll)) return [];
  // One whose record was lost may need any of them.
  const isUnknown = (key: AttachmentKey): boolean =>
    attachmentDigest(key) !== owner && records.getRecord(key) === undefined;
  return [network, ...others].some((name) => listPortsLike(name, bridge, isUnknown, machine).length > 0)
    ? []
    : [...unneeded];
}
