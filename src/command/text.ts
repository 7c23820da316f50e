// Words and numbers as commands for people write them.

import type { Attachment } from "../attachment/attachment.ts";
import type { AttachedPortMapping } from "../attachment/host-ports.ts";
import { shortContainerId } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { type Capability, hasCapability } from "../sys/capability.ts";
import { native } from "../sys/native.ts";
import { shown } from "../terminal/terminal.ts";

/** The pod's name, or the first twelve digits of the container's id where the name is not known. */
export function podName({ pod, key }: { pod?: string | undefined; key: AttachmentKey }): string {
  return shown(pod ?? shortId(key.containerId));
}

/** The container's id as `docker ps` and `crictl ps` show it: twelve digits of a long hexadecimal one. */
export function shortId(id: string): string {
  return shown(shortContainerId(id));
}

/** A number of bytes in three digits at most: `999 B`, `1.2 kB`, `45 MB` (SI prefixes). */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < BYTE_UNITS.length - 1; unit++) value /= 1000;
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[unit]}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A time that has passed, in its largest unit: `5s`, `12m`, `3h`, `40d`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A host port and the pod's: `8080->80/tcp`, with the node's address where it is one alone. */
function mappingText(mapping: AttachedPortMapping): string {
  const { hostAddress, hostPort, hostPortEnd, containerPort, protocol } = mapping;
  const last = containerPort + hostPortEnd - hostPort;
  const ports = `${rangeText(hostPort, hostPortEnd)}->${rangeText(containerPort, last)}/${protocol}`;
  if (hostAddress === undefined) return ports;
  return `${hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress}:${ports}`;
}

function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** Each host port once: a mapping of both families stands in the record twice. */
export function mappingTexts({ hostPorts }: Pick<Attachment, "hostPorts">): string[] {
  return hostPorts === undefined ? [] : [...new Set(hostPorts.mappings.map(mappingText))];
}

/** A number with its noun: `1 pod`, `2 pods`. */
export function counted(count: number | bigint, noun: string): string {
  return `${count} ${noun}${BigInt(count) === 1n ? "" : "s"}`;
}

/**
 * Refuses a person who is not root, and a root without one of these capabilities, as in a container. `what`
 * is what only root may do. Throws CniError and SystemError.
 */
export function needRoot(
  what: string,
  command: string,
  capabilities: readonly Capability[] = ["CAP_NET_ADMIN"],
): void {
  if (native.geteuid() !== 0)
    throw new CniError("rules", {
      message: `only root may ${what}`,
      hint: `Run it as root, as in "sudo pontoon ${command}"`,
    });
  const missing = capabilities.find((name) => !hasCapability(name));
  if (missing === undefined) return;
  throw new CniError("rules", {
    message: `${missing} is missing, without which nobody may ${what}`,
    hint: "Run it on the node itself, or give the container this capability",
  });
}

/** A rate in bits per second in its largest unit: `500 bit/s`, `10 Mbit/s`, `1.5 Gbit/s` (SI prefixes). */
export function rateText(bits: number): string {
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
  let [value, unit] = [bits, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${Math.round(value * 10) / 10} ${units[unit]}`;
}
