// Sentences about the differences between a migrated configuration and its original chain.

import { type Placed, typeOf } from "../../cni/chain.ts";
import { quote } from "../../cni/problems.ts";

/** The reason why an entry of the plugin `loopback` needs no change. */
export const LOOPBACK_STAYS = 'Pontoon is this plugin where "pontoon install" has made its link';

/** Adds a sentence about a key and its value; undefined is the value of a key that is not there. */
export type Note = (key: string, value: unknown, text: string) => void;

/** Notes about the entry at `path` are added to `notes`. */
export function noteAt(path: string, notes: string[]): Note {
  return (key, value, text) =>
    notes.push(
      `${path === "" ? "" : `${path}.`}${shownName(key)}${value === undefined ? "" : ` ${quote(value)}`}: ${text}`,
    );
}

/** An entry for a person: its place and its plugin. */
export function titleOf({ entry, path }: Placed): string {
  const plugin = shownName(typeOf(entry));
  return path === "" ? plugin : `${path} (${plugin})`;
}

/** A key or a plugin's name for a person: in quotes when something odd is in it. */
function shownName(name: string): string {
  return /^[\w.$-]+$/.test(name) ? name : quote(name);
}
