// Attachments by the words that people know them by. Pure.
import { parseAddress, sameAddress } from "../ip/address.ts";
import type { Attachment } from "./attachment.ts";

/** The shortest beginning of a container id that counts: shorter ones are typing mistakes. */
const LEAST_OF_ID = 4;

const PORT = /^([1-9]\d{0,4})(?:\/(tcp|udp|sctp))?$/;

/**
 * The attachments that a word names: by the pod (`default/web` or `web`), a host port (`8080`, `8080/udp`),
 * an address, or a container id or its beginning. The first of these that names any counts, in that order.
 */
export function selectAttachments(attachments: readonly Attachment[], word: string): Attachment[] {
  for (const isNamed of [byPod, byPort, byAddress, byId]) {
    const found = attachments.filter((attachment) => isNamed(attachment, word));
    if (found.length > 0) return found;
  }
  return [];
}

/** True for a container id that the word is, or begins. */
export function isNamedById(containerId: string, word: string): boolean {
  return containerId === word || (word.length >= LEAST_OF_ID && containerId.startsWith(word));
}

function byPod({ pod }: Attachment, word: string): boolean {
  return pod !== undefined && (pod === word || pod.slice(pod.indexOf("/") + 1) === word);
}

function byPort({ hostPorts }: Attachment, word: string): boolean {
  const [, number, wanted] = PORT.exec(word) ?? [];
  if (number === undefined || hostPorts === undefined) return false;
  const port = Number(number);
  return hostPorts.mappings.some(
    ({ protocol, hostPort, hostPortEnd }) =>
      (wanted === undefined || wanted === protocol) && hostPort <= port && port <= hostPortEnd,
  );
}

function byAddress({ addresses }: Attachment, word: string): boolean {
  const wanted = parseAddress(word);
  return wanted !== undefined && addresses.some(({ address }) => sameAddress(address.address, wanted));
}

function byId({ key }: Attachment, word: string): boolean {
  return isNamedById(key.containerId, word);
}
