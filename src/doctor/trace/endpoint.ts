// The two ends of a way, as a person names them: a pod, an address, a host port, or a host far away.

import type { AttachedPortMapping } from "../../attachment/host-ports.ts";
import { hostEndOf } from "../../attachment/link.ts";
import { isPortOf, readPort } from "../../attachment/word.ts";
import { CniError } from "../../cni/error.ts";
import { type Address, type Family, formatAddress, parseAddress } from "../../ip/address.ts";
import { FAR_AWAY } from "../../net/way-out.ts";
import type { Survey, SurveyedAttachment } from "../../survey/survey.ts";
import { nameOf } from "../finding.ts";
import { attachmentsMeant } from "../subject.ts";

/** An end of the way. */
export interface Endpoint {
  /** As it is shown: `default/web`, `192.0.2.1`, `outside`, `host port 8080`. */
  title: string;
  /** The pod that it is, or that a host port leads to; undefined for hosts that are none. */
  one: SurveyedAttachment | undefined;
  /** The address that is spoken to; undefined for a host port of the node. */
  address: Address | undefined;
  /** The port of the node, where it is one. */
  hostPort: number | undefined;
  /** The mapping of that port. */
  mapping: AttachedPortMapping | undefined;
  /** The port at the pod or host; undefined: none in particular. */
  port: number | undefined;
  protocol: "tcp" | "udp" | "sctp";
}

/** Takes the port off a word: `web:80`, `10.1.0.2:80`, `[fd01::2]:80/udp`; an IPv6 address alone has none. */
function splitPort(word: string): { name: string; port: number | undefined; protocol: Endpoint["protocol"] } {
  const [, text = word, protocol = "tcp"] = /^(.*)\/(tcp|udp|sctp)$/.exec(word) ?? [];
  const isBare = parseAddress(text) !== undefined;
  const [, name = text, digits] = (isBare ? null : /^(.*?):(\d{1,5})$/.exec(text)) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  return { name: name.replace(/^\[(.*)\]$/, "$1"), port, protocol: protocol as Endpoint["protocol"] };
}

/** The end that a word means, for a way of this family. Throws CniError where it means none or several. */
export function endpointOf(word: string, survey: Survey, family: Family): Endpoint {
  const { name, port, protocol } = splitPort(word);
  const plain = { hostPort: undefined, mapping: undefined, port, protocol };
  if (name === "" && port !== undefined) return hostPortOf({ port, protocol }, survey, family);
  if (name === "outside") return { ...plain, title: name, one: undefined, address: FAR_AWAY[family] };
  const address = parseAddress(name);
  const found = attachmentsMeant(survey, name).filter(({ state }) => state !== "dead");
  const one = found.length > 1 ? found.find((each) => nameOf(each) === name) : found[0];
  if (address !== undefined) return { ...plain, title: name, one, address };
  if (readPort(name) !== undefined && found.length > 0)
    return hostPortOf({ port: Number(name), protocol }, survey, family);
  if (one === undefined) throw meansNothing(word, found);
  const own = one.attachment.addresses.find((each) => each.address.address.family === family);
  if (own === undefined)
    throw new CniError("badEnvironment", { message: `${nameOf(one)} has no IPv${family} address` });
  return { ...plain, title: nameOf(one), one, address: own.address.address };
}

function meansNothing(word: string, found: readonly SurveyedAttachment[]): CniError {
  const message =
    found.length === 0
      ? `${JSON.stringify(word)} is no pod, address or port of this node`
      : `${JSON.stringify(word)} may be ${found.slice(0, 3).map(nameOf).join(" or ")}`;
  return new CniError("badEnvironment", {
    message,
    hint: 'Name a pod of "pontoon ls", an address, outside, or a host port as in :8080',
  });
}

function hostPortOf(
  asked: { port: number; protocol: Endpoint["protocol"] },
  { attachments }: Survey,
  family: Family,
): Endpoint {
  const isOf = (mapping: AttachedPortMapping): boolean =>
    isPortOf(mapping, asked) && parseAddress(mapping.address)?.family === family;
  const one = attachments.find(({ attachment }) => attachment.hostPorts?.mappings.some(isOf));
  const mapping = one?.attachment.hostPorts?.mappings.find(isOf);
  return {
    title: `host port ${asked.port}/${asked.protocol}`,
    one,
    address: mapping && parseAddress(mapping.address),
    hostPort: asked.port,
    mapping,
    port: mapping && mapping.containerPort + asked.port - mapping.hostPort,
    protocol: asked.protocol,
  };
}

/** The family of a way: that of an address in the words, else IPv4 where the pods have it. */
export function familyOf(words: readonly string[], survey: Survey): Family {
  for (const word of words) {
    const address = parseAddress(splitPort(word).name);
    if (address !== undefined) return address.family;
  }
  const pods = words.flatMap((word) => attachmentsMeant(survey, splitPort(word).name).slice(0, 1));
  const has4 = ({ attachment }: SurveyedAttachment): boolean =>
    attachment.addresses.some(({ address }) => address.address.family === 4);
  return pods.every(has4) ? 4 : 6;
}

/** True when both pods are on one bridge and in one subnet, so that no router is between them. */
export function areOnOneBridge(from: SurveyedAttachment, to: SurveyedAttachment): boolean {
  const [a, b] = [from.attachment.link, to.attachment.link];
  return a.kind === "bridgePort" && b.kind === "bridgePort" && a.gatewayInterface === b.gatewayInterface;
}

/** The name of the pod's end on the node. */
export function endOf({ attachment }: SurveyedAttachment): string {
  return hostEndOf(attachment.link)?.name ?? attachment.link.pod.name;
}

/** `10.1.0.2:80`, or the address alone. */
export function addressText({ address, port }: Endpoint): string {
  if (address === undefined) return "the node";
  const text = formatAddress(address);
  if (port === undefined) return text;
  return `${address.family === 6 ? `[${text}]` : text}:${port}`;
}
