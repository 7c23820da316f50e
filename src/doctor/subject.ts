// The attachments that a person asks for by a word.
import { hostEndOf } from "../attachment/link.ts";
import { parseAddress, sameAddress } from "../ip/address.ts";
import type { Survey, SurveyedAttachment } from "../survey/survey.ts";
import { nameOf } from "./finding.ts";

/**
 * The attachments that a word means: those of a network, a pod by its name with or without its Kubernetes
 * namespace, a container by its id or the beginning of it, an address, an interface of the node, or a host
 * port such as `8080`, `:8080` or `8080/udp`. None where nothing is meant.
 */
export function attachmentsMeant({ attachments }: Survey, word: string): SurveyedAttachment[] {
  for (const isMeant of [isNamed, hasAddress, hasPort, hasPartOfName]) {
    const found = attachments.filter((one) => isMeant(one, word));
    if (found.length > 0) return found;
  }
  return [];
}

function isNamed(one: SurveyedAttachment, word: string): boolean {
  const { key, link, namespace } = one.attachment;
  const name = nameOf(one);
  const known = [name, key.network, key.containerId, hostEndOf(link)?.name, namespace.path];
  return known.includes(word) || name.endsWith(`/${word}`) || namespace.path.endsWith(`/${word}`);
}

function hasAddress({ attachment: { addresses } }: SurveyedAttachment, word: string): boolean {
  const wanted = parseAddress(word.replace(/\/\d+$/, ""));
  return wanted !== undefined && addresses.some(({ address }) => sameAddress(address.address, wanted));
}

function hasPort({ attachment: { hostPorts } }: SurveyedAttachment, word: string): boolean {
  const asked = readPort(word);
  return asked !== undefined && (hostPorts?.mappings ?? []).some((mapping) => isPortOf(mapping, asked));
}

function hasPartOfName(one: SurveyedAttachment, word: string): boolean {
  return nameOf(one).includes(word) || (word.length >= 4 && one.attachment.key.containerId.startsWith(word));
}

/** A port of the node, as a person writes it. */
export interface AskedPort {
  port: number;
  /** Undefined: each protocol. */
  protocol: string | undefined;
}

/** Reads `8080`, `:8080`, `8080/udp`; undefined for anything else. */
export function readPort(word: string): AskedPort | undefined {
  const [, digits, protocol] = /^:?(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(word) ?? [];
  const port = Number(digits);
  return digits === undefined || port < 1 || port > 65_535 ? undefined : { port, protocol };
}

/** True for a port of the node that the mapping leads to the pod. */
export function isPortOf(
  mapping: { protocol: string; hostPort: number; hostPortEnd: number },
  { port, protocol }: AskedPort,
): boolean {
  return (
    port >= mapping.hostPort &&
    port <= mapping.hostPortEnd &&
    (protocol === undefined || protocol === mapping.protocol)
  );
}
