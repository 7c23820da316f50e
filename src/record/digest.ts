// Names derived from an attachment's key, so that they can be found again with no memory at all.
import { sha256, sha512 } from "../sys/hash.ts";
import type { AttachmentKey } from "./attachment.ts";

let latest: { text: string; digest: string } | undefined;

/**
 * 32 hexadecimal digits of SHA-256 over network, container id and interface name, with NUL between them. One
 * call asks for the same one many times.
 */
export function attachmentDigest(key: AttachmentKey): string {
  const text = `${key.network}\0${key.containerId}\0${key.interfaceName}`;
  if (latest?.text !== text) latest = { text, digest: sha256(text).slice(0, 32) };
  return latest.digest;
}

/** The name of an attachment's veth on the host: 15 characters, the most that Linux takes. */
export function hostInterfaceName(key: AttachmentKey): string {
  return hostInterfaceOfDigest(attachmentDigest(key));
}

/** The same from the attachment's digest. */
export function hostInterfaceOfDigest(digest: string): string {
  return `veth${digest.slice(0, 11)}`;
}

/** The name of an attachment's ifb, where what its pod sends is held back: 15 characters too. */
export function ifbName(key: AttachmentKey): string {
  return `pifb${attachmentDigest(key).slice(0, 11)}`;
}

/**
 * The name that the reference plugin `bandwidth` gives a container's ifb (containernetworking/plugins,
 * plugins/meta/bandwidth/main.go).
 */
export function referenceIfbName({
  network,
  containerId,
}: Pick<AttachmentKey, "network" | "containerId">): string {
  return `bwp${sha512(network + containerId).slice(0, 12)}`;
}

export function sameKey(a: AttachmentKey, b: AttachmentKey): boolean {
  return a.network === b.network && a.containerId === b.containerId && a.interfaceName === b.interfaceName;
}
