// The order in which attachments are shown. Pure.
import type { Attachment } from "../attachment/attachment.ts";

interface Placed {
  attachment: Pick<Attachment, "key" | "pod">;
}

/**
 * All of them, by network, then by the pod's name, then containers without one; numbers in names by their
 * value.
 */
export function inOrder<T extends Placed>(attachments: readonly T[]): T[] {
  const byPlace = new Map<string, T>();
  // Most attachments have the same network and interface.
  const known = new Map<string, string>();
  const paddedOnce = (name: string): string => {
    const text = known.get(name) ?? padded(name);
    known.set(name, text);
    return text;
  };
  for (const each of attachments) {
    const { key, pod } = each.attachment;
    const { network, containerId, interfaceName } = key;
    const name = padded(pod ?? `~${containerId}`);
    const place = `${paddedOnce(network)}\0${name}\0${paddedOnce(interfaceName)}\0${containerId}`;
    // Names such as eth1 and eth01 are the same with padded numbers, so each place has a number, too.
    byPlace.set(`${place}\0${byPlace.size}`, each);
  }
  return [...byPlace.keys()].sort().flatMap((place) => byPlace.get(place) ?? []);
}

const NUMBER = /\d+/;

/** The name with each number in ten digits. */
function padded(name: string): string {
  let text = "";
  let rest = name;
  while (rest !== "") {
    const found = NUMBER.exec(rest);
    if (found === null) break;
    const digits = found[0];
    text += rest.slice(0, found.index) + digits.padStart(10, "0");
    rest = rest.slice(found.index + digits.length);
  }
  return text + rest;
}
