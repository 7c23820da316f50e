// The merge of an entry of a replaced plugin into the entry of Pontoon.
import { LOOPBACK } from "../../cni/about.ts";
import { type Placed, typeOf } from "../../cni/chain.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { quote } from "../../cni/problems.ts";
import { joinCapabilities } from "./capability.ts";
import { capabilitiesOf, isAmong, read, treeOf, valueOf, withCapabilities, withField } from "./fields.ts";
import { LOOPBACK_STAYS, noteAt } from "./note.ts";
import { REPLACEMENTS } from "./plugin.ts";
import type { Replacement } from "./replacement.ts";

/** An entry of Pontoon, and a sentence for each difference. */
export interface Merged {
  entry: Fields;
  notes: string[];
}

/** Keys of every entry. A runtime puts the name and the version of the list over those of the entry. */
const ANY_ENTRY = ["type", "name", "cniVersion", "capabilities"];

/** `base` with the settings of the entry, or, as text, the reason why the entry has to stay in the chain. */
export function merge(base: Fields, { entry, path }: Placed): Merged | string {
  const type = typeOf(entry);
  const replacement = REPLACEMENTS.get(type);
  if (type === LOOPBACK) return LOOPBACK_STAYS;
  if (replacement === undefined) return "Pontoon does not do what this plugin does";
  const { keys, needless = [], without = {} } = replacement;
  const others = read(entry, treeOf([...needless, ...Object.keys(without)]));
  const reason = Object.keys(without).find((key) => others[key] !== undefined);
  if (reason !== undefined) return `${reason}: ${without[reason]}`;
  const taken = takenOf(entry, replacement);
  const joined = joinFields(base, taken);
  if (typeof joined === "string") return joined;
  const notes: string[] = [];
  const note = noteAt(path, notes);
  const made = withCapabilities(joined, joinCapabilities(capabilitiesOf(base), { entry, replacement, note }));
  for (const { key, text } of replacement.differences({ ...taken, ...others }))
    note(key, valueOf(entry, key), text);
  for (const [key, value] of Object.entries(entry)) {
    if (value !== null && !isAmong(key, [...keys, ...needless, ...ANY_ENTRY]))
      note(key, value, `is left out: ${type} takes no notice of it`);
  }
  return { entry: made, notes };
}

/** The keys of the entry that become keys of Pontoon, with the settings that the plugin's presence means. */
function takenOf(entry: Fields, { keys, adds = {} }: Replacement): Fields {
  const given = Object.entries(read(entry, treeOf(keys)));
  return {
    ...adds,
    ...Object.fromEntries(given.filter(([key, value]) => !(value === "" && Object.hasOwn(adds, key)))),
  };
}

/** `base` with the fields `taken`, or, as text, the field that contradicts it. */
function joinFields(base: Fields, taken: Fields): Fields | string {
  let made: Fields = base;
  for (const [key, value] of Object.entries(taken)) {
    const before = valueOf(base, key);
    const joined = join(before, value, key);
    if (joined === undefined)
      return `${key} ${quote(value)} is not what an entry before it says, ${quote(before)}, and Pontoon has one ${key}`;
    made = withField(made, key, joined);
  }
  return made;
}

/**
 * The value for a key that an earlier entry may have too; undefined when the two values contradict each
 * other.
 */
function join(before: unknown, value: unknown, key: string): unknown {
  // 0 leaves the MTU to the plugin.
  if (key === "mtu" && value === 0) return before ?? value;
  if (before === undefined || (key === "mtu" && before === 0)) return value;
  if (key !== "sysctl" || !isFields(before) || !isFields(value))
    return JSON.stringify(before) === JSON.stringify(value) ? before : undefined;
  const clash = Object.keys(value).some(
    (name) => Object.hasOwn(before, name) && String(before[name]) !== String(value[name]),
  );
  return clash ? undefined : { ...before, ...value };
}
