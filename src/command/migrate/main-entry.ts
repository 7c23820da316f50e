// How an entry of a reference plugin that connects a pod becomes an entry of Pontoon.

import { type Placed, typeOf } from "../../cni/chain.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";
import { ownCapabilities } from "./capability.ts";
import { isAmong, read, treeOf, valueOf, withCapabilities, withField, withoutKey } from "./fields.ts";
import { MAIN_PLUGINS } from "./main-plugin.ts";
import type { Merged } from "./merge.ts";
import { type Note, noteAt } from "./note.ts";

/** True for an entry that connects the pod: one of Pontoon, or of a plugin that Pontoon can replace. */
export function isMain(entry: Fields): boolean {
  return typeOf(entry) === "pontoon" || MAIN_PLUGINS.has(typeOf(entry));
}

/** The entry as one of Pontoon with equal effect. An entry of Pontoon stays as it is. */
export function fromMain({ entry, path }: Placed): Merged {
  const type = typeOf(entry);
  const plugin = MAIN_PLUGINS.get(type);
  if (plugin === undefined) return { entry, notes: [] };
  const notes: string[] = [];
  const note = noteAt(path, notes);
  let made = entry;
  for (const [key, value] of Object.entries(entry)) {
    if (isAmong(key, plugin.keys) || isAmong(key, ["type"])) continue;
    if (isAmong(key, Object.keys(NETCONF_KEYS))) {
      made = withoutKey(made, key);
      note(key, value, `is left out: ${type} takes no notice of it, and Pontoon would`);
    } else note(key, value, "means nothing to Pontoon; it stays");
  }
  made = withWay(made, plugin.way);
  made = withCapabilities(made, ownCapabilities(entry, { type, plugin }, note));
  noteUnknownOfIpam(entry, note);
  return { entry: made, notes };
}

/** The entry with Pontoon's type, and behind it the keys that say the way of attaching. */
function withWay(entry: Fields, way: Fields): Fields {
  return Object.fromEntries(
    Object.entries(withField(entry, "type", "pontoon")).flatMap((field) =>
      field[0] === "type" ? [field, ...Object.entries(way)] : [field],
    ),
  );
}

/**
 * The choices of Pontoon that differ from those of the plugin `type` at this place, where the finished entry
 * leaves them open.
 */
export function choices(type: string, { entry, path }: Placed): string[] {
  const notes: string[] = [];
  const plugin = MAIN_PLUGINS.get(type);
  if (plugin === undefined) return notes;
  for (const { key, text } of plugin.differences(read(entry, treeOf(plugin.keys))))
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
