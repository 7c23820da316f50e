// The part of a scene that a word names.
import { parseAddress, sameAddress } from "../ip/address.ts";
import type { Interface, Network, Pod, Scene, Segment } from "./scene.ts";

/**
 * The part of the scene that a word names: a pod, a container, a network, a bridge, an interface of the node,
 * an address or a host port. Where it names none exactly, the pods whose names have it as a part. Undefined
 * where there is nothing of that name.
 */
export function partOf(scene: Scene, word: string): Scene | undefined {
  return (
    chosen(scene, (thing) => names(thing, word)) ??
    chosen(scene, ({ pod }) => pod !== undefined && (pod.name.includes(word) || pod.id.startsWith(word)))
  );
}

/** One thing of the scene. */
interface Thing {
  pod?: Pod;
  network?: Network;
  segment?: Segment;
  end?: Interface;
}

function chosen(scene: Scene, isMeant: (thing: Thing) => boolean): Scene | undefined {
  const segments = scene.segments.flatMap((segment) => partOfSegment(segment, isMeant));
  const interfaces = scene.interfaces.filter((end) => isMeant({ end }));
  if (segments.length === 0 && interfaces.length === 0 && !scene.ways.some((end) => isMeant({ end })))
    return undefined;
  const networks = segments.flatMap((segment) => segment.networks);
  const pods = new Set(networks.flatMap((network) => network.pods.map(({ name }) => name)));
  return {
    ...scene,
    segments,
    interfaces,
    masquerades: scene.masquerades.filter(({ network }) => networks.some(({ name }) => name === network)),
    hostPorts: scene.hostPorts.filter(({ pod }) => pods.has(pod)),
  };
}

function partOfSegment(segment: Segment, isMeant: (thing: Thing) => boolean): Segment[] {
  if (isMeant({ segment })) return [segment];
  const networks = segment.networks.flatMap((network): Network[] => {
    if (isMeant({ network })) return [network];
    const pods = network.pods.filter((pod) => isMeant({ pod }));
    // One end of a wire says nothing without the other.
    return pods.length === 0 ? [] : [{ ...network, pods: segment.kind === "wire" ? network.pods : pods }];
  });
  return networks.length === 0 ? [] : [{ ...segment, networks }];
}

function names({ pod, network, segment, end }: Thing, word: string): boolean {
  if (pod !== undefined) return namesPod(pod, word);
  if (network !== undefined) return network.name === word;
  if (segment !== undefined)
    return segment.title === word || segment.title.split(" ").at(-1) === word || hasAddress(segment, word);
  return end !== undefined && (end.name === word || hasAddress(end, word));
}

function namesPod(pod: Pod, word: string): boolean {
  const { name, id, hostEnd, hostPorts } = pod;
  if ([name, id, hostEnd].includes(word) || name.endsWith(`/${word}`)) return true;
  return hasAddress(pod, word) || hostPorts.some((mapping) => hasPort(mapping, word));
}

function hasAddress({ addresses }: { addresses: readonly string[] }, word: string): boolean {
  const wanted = parseAddress(word);
  return addresses.some((text) => {
    const address = parseAddress(text.replace(/\/\d+$/, ""));
    return text === word || (wanted !== undefined && address !== undefined && sameAddress(address, wanted));
  });
}

/** True for a port of the node that leads to a pod: `8080`, `8080/udp`. */
function hasPort(mapping: string, word: string): boolean {
  const [, asked, askedProtocol] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(word) ?? [];
  const [, first, last, protocol] = /(\d+)(?:-(\d+))?->.*\/(\w+)$/.exec(mapping) ?? [];
  if (asked === undefined || first === undefined) return false;
  const isIn = Number(asked) >= Number(first) && Number(asked) <= Number(last ?? first);
  return isIn && (askedProtocol === undefined || askedProtocol === protocol);
}
