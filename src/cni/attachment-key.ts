// The key of an attachment.

/**
 * The identity of an attachment on a node (CNI specification 1.1.0, "Parameters": the network's name,
 * CNI_CONTAINERID and CNI_IFNAME). Every name that Pontoon gives to a kernel object or file is made from it.
 */
export interface AttachmentKey {
  network: string;
  containerId: string;
  interfaceName: string;
}

/** True when the two keys are equal in all three parts. */
export function sameKey(a: AttachmentKey, b: AttachmentKey): boolean {
  return a.network === b.network && a.containerId === b.containerId && a.interfaceName === b.interfaceName;
}
