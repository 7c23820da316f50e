// How an entry of the reference plugin `bridge` becomes an entry of Pontoon.
import { type Fields, isFields } from "../../cni/keys.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";
import { type Placed, typeOf } from "../network/entry.ts";
import { differencesFromBridge, KEYS_OF_BRIDGE } from "./bridge-key.ts";
import { ownCapabilities } from "./capability.ts";
import { isAmong, read, valueOf, withCapabilities, withField, withoutKey } from "./fields.ts";
import type { Merged } from "./merge.ts";
import { type Note, noteAt } from "./note.ts";

/** The entry of `bridge` as an entry of Pontoon with equal effect. An entry of Pontoon stays as it is. */
export function fromBridge({ entry, path }: Placed): Merged {
  if (typeOf(entry) === "pontoon") return { entry, notes: [] };
  const notes: string[] = [];
  const note = noteAt(path, notes);
  let made = withField(entry, "type", "pontoon");
  for (const [key, value] of Object.entries(entry)) {
    if (isAmong(key, KEYS_OF_BRIDGE) || isAmong(key, ["type"])) continue;
    if (isAmong(key, Object.keys(NETCONF_KEYS))) {
      made = withoutKey(made, key);
      note(key, value, "is left out: bridge takes no notice of it, and Pontoon would");
    } else note(key, value, "means nothing to Pontoon; it stays");
  }
  made = withCapabilities(made, ownCapabilities(entry, note));
  noteUnknownOfIpam(entry, note);
  return { entry: made, notes };
}

/**
 * The choices of Pontoon that differ from those of `bridge` at this place, where the finished entry leaves
 * them open.
 */
export function choices({ entry, path }: Placed): string[] {
  const notes: string[] = [];
  for (const { key, text } of differencesFromBridge(read(entry, NETCONF_KEYS)))
    noteAt(path, notes)(key, valueOf(entry, key), text);
  return notes;
}

function noteUnknownOfIpam(entry: Fields, note: Note): void {
  const ipam = valueOf(entry, "ipam");
  // Keys of a foreign IPAM plugin are read by that plugin alone.
  if (!isFields(ipam) || typeOf(ipam) !== "host-local") return;
  for (const [key, value] of Object.entries(ipam))
    if (!isAmong(key, Object.keys(NETCONF_KEYS.ipam)))
      note(`ipam.${key}`, value, "means nothing to Pontoon; it stays");
}
