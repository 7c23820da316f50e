// Names that are made from an attachment's key, so that DEL and GC find the attachment's objects without a
// record.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { isPrintable } from "../sys/bytes.ts";
import { sha256, sha512 } from "../sys/hash.ts";

/** The digest that was computed last: one call asks for the digest of its own attachment many times. */
let latest: { text: string; digest: string } | undefined;

/** 32 hexadecimal digits: SHA-256 over network, container id and interface name, with NUL between them. */
export function attachmentDigest(key: AttachmentKey): string {
  const text = `${key.network}\0${key.containerId}\0${key.interfaceName}`;
  if (latest?.text !== text) latest = { text, digest: sha256(text).slice(0, 32) };
  return latest.digest;
}

/** The name of an attachment's veth on the host: 15 characters, the most that Linux takes. */
export function hostInterfaceName(key: AttachmentKey): string {
  return hostInterfaceOfDigest(attachmentDigest(key));
}

/** The name of an attachment's veth on the host, by the attachment's digest. */
export function hostInterfaceOfDigest(digest: string): string {
  return `veth${digest.slice(0, 11)}`;
}

/** True for a name that the host's end of an attachment may have. */
export function isHostInterface(name: string): boolean {
  return /^veth[0-9a-f]{11}$/.test(name);
}

/**
 * The name of a gateway's port: every gateway has a name of its own, which no other program uses. The port of
 * a gateway that another plugin made is known only by the kernel's link to its peer.
 */
export function gatewayPortName(bridge: string, vlan: number): string {
  return hostInterfaceOfDigest(sha256(`gateway\0${bridge}\0${vlan}`));
}

/** The name of an attachment's ifb, the device that shapes the pod's outgoing traffic: 15 characters. */
export function ifbName(key: AttachmentKey): string {
  return `pifb${attachmentDigest(key).slice(0, 11)}`;
}

/**
 * The link group of the host's ends of a network that is on no bridge: one for each ingress policy, since an
 * attachment keeps the policy that it was made with. A number that people do not give by hand, and apart from
 * the groups in which links are deleted (src/host/removal.ts). Two networks of a node have the same one with
 * a chance of one in 2^30.
 */
export function networkGroup(network: string, policy: string): number {
  return 2 ** 30 + (Number.parseInt(sha256(`${network}\0${policy}`).slice(0, 8), 16) % 2 ** 30);
}

/**
 * The name that the reference plugin `bandwidth` gives a container's ifb (containernetworking/plugins,
 * plugins/meta/bandwidth/main.go).
 */
export function referenceIfbName({ network, containerId }: Omit<AttachmentKey, "interfaceName">): string {
  return `bwp${sha512(network + containerId).slice(0, 12)}`;
}

/**
 * An attachment in words: network, container id, interface. People see it where they list rules, and programs
 * read the list again: what is not printable, quotes and backslashes become "?".
 */
export function attachmentLabel({ network, containerId, interfaceName }: AttachmentKey): string {
  const text = `${network} ${containerId} ${interfaceName}`;
  // One look along the text is cheaper than a search at each letter, and nearly every text passes.
  return /^[ !#-[\]-~]*$/.test(text) ? text : text.replace(/[^ -~]|["\\]/gu, "?");
}

/** The key that a label tells; undefined for another text. A label that was cut tells another key. */
export function keyOfLabel(label: string): AttachmentKey | undefined {
  const [network, containerId, interfaceName, ...rest] = label.split(" ");
  if (network === undefined || containerId === undefined || interfaceName === undefined) return undefined;
  return rest.length === 0 ? { network, containerId, interfaceName } : undefined;
}

/** An attachment as people know it. */
export interface Named {
  key: AttachmentKey;
  /** `namespace/name` of the Kubernetes pod, where it is known. */
  pod?: string | undefined;
}

/**
 * The attachment for people who read an error: `pod default/web (network pods, eth0)`, or where the pod's
 * name is not known `container 6537f52c… (network pods, eth0)`.
 */
export function attachmentTitle({ key, pod }: Named): string {
  const { network, containerId, interfaceName } = key;
  const subject = pod === undefined ? `container ${containerId}` : `pod ${pod}`;
  return `${subject} (network ${network}, ${interfaceName})`;
}

/** A container's id as `docker ps` and `crictl ps` show it: twelve digits of a long hexadecimal one. */
export function shortContainerId(id: string): string {
  return /^[0-9a-f]{13,}$/.test(id) ? id.slice(0, 12) : id;
}

/** The most bytes of an alias: IFALIASZ (linux/if.h) without its final zero. */
export const ALIAS_BYTES = 255;

/**
 * The alias of an attachment's links, which people see in `ip link`: `pontoon <network> <container id>
 * [<pod>] <interface>`, printable, at most 255 bytes. Where there is no room, the pod's name is cut first: GC
 * knows a link by the other three.
 */
export function aliasOf(key: AttachmentKey, pod: string | undefined): string {
  const head = `pontoon ${key.network} ${key.containerId}`;
  const tail = ` ${key.interfaceName}`;
  const room = ALIAS_BYTES - head.length - tail.length;
  const text = `${head}${pod === undefined || room <= 0 ? "" : ` ${pod}`.slice(0, room)}${tail}`;
  return printable(text.slice(0, ALIAS_BYTES));
}

/**
 * The key that an alias names; undefined for the alias of another program. An alias that was cut in its
 * network or container id names another key: compare the link's name with that of the key.
 */
export function keyOfAlias(alias: string): AttachmentKey | undefined {
  const [program, network, containerId, ...rest] = alias.split(" ");
  const interfaceName = rest.at(-1);
  if (program !== "pontoon" || network === undefined || containerId === undefined) return undefined;
  return interfaceName === undefined ? undefined : { network, containerId, interfaceName };
}

/** The text with "?" in the place of each character that is not printable. */
export function printable(text: string): string {
  return isPrintable(text) ? text : text.replace(/[^ -~]/g, "?");
}
