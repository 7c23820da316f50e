// One entry for several of a chain: how an entry of `bridge` becomes one of Pontoon, and how others are
// merged into it.
import {
  CAPABILITIES_OF_BRIDGE,
  type Capability,
  differencesFromBridge,
  KEYS_OF_BRIDGE,
  REPLACEMENTS,
  type Replacement,
} from "./chain-plugin.ts";
import { type Fields, isFields, type KeyTree, normaliseKeys } from "./keys.ts";
import { NETCONF_KEYS } from "./netconf-keys.ts";
import { quote } from "./problems.ts";

/**
 * An entry of a chain and where it stands in the file, as in `plugins[1]`; empty for a file that is one
 * entry.
 */
export interface Placed {
  entry: Fields;
  path: string;
}

/** An entry of Pontoon, and a sentence for each thing that is not as it was. */
export interface Merged {
  entry: Fields;
  notes: string[];
}

/** Of every entry; a runtime puts the name and the version of the list over those. */
const ANY_ENTRY = ["type", "name", "cniVersion", "capabilities"];

/** The plugin's name, however the key is spelt; empty where there is none. */
export function typeOf(entry: Fields): string {
  const type = valueOf(entry, "type");
  return typeof type === "string" ? type : "";
}

/** A key or a plugin's name for a person: in quotes when something odd is in it. */
export function shownName(name: string): string {
  return /^[\w.$-]+$/.test(name) ? name : quote(name);
}

/** The entry of `bridge` as one of Pontoon that does the same. An entry of Pontoon stays as it is. */
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
 * What Pontoon chooses otherwise than `bridge` did at this place, where the finished entry leaves the choice
 * to it.
 */
export function choices({ entry, path }: Placed): string[] {
  const notes: string[] = [];
  for (const { key, text } of differencesFromBridge(read(entry, NETCONF_KEYS)))
    noteAt(path, notes)(key, valueOf(entry, key), text);
  return notes;
}

function noteUnknownOfIpam(entry: Fields, note: Note): void {
  const ipam = valueOf(entry, "ipam");
  // What stands there for another plugin is its own affair.
  if (!isFields(ipam) || typeOf(ipam) !== "host-local") return;
  for (const [key, value] of Object.entries(ipam))
    if (!isAmong(key, Object.keys(NETCONF_KEYS.ipam)))
      note(`ipam.${key}`, value, "means nothing to Pontoon; it stays");
}

/**
 * The capabilities of an entry of `bridge` without those that belong to another plugin, which Pontoon would
 * listen to.
 */
function ownCapabilities(entry: Fields, note: Note): Fields {
  const ofOthers: string[] = [...REPLACEMENTS.values()]
    .flatMap(({ capabilities }) => capabilities)
    .filter((name) => !CAPABILITIES_OF_BRIDGE.includes(name));
  return Object.fromEntries(
    Object.entries(capabilitiesOf(entry)).filter(([name, value]) => {
      if (name === "dns" && value === true)
        note(
          "capabilities.dns",
          value,
          "bridge takes no notice of it; Pontoon puts the name servers that a runtime sends into the result",
        );
      if (!ofOthers.includes(name)) return true;
      note(`capabilities.${name}`, value, "is left out: bridge takes no notice of it, and Pontoon would");
      return false;
    }),
  );
}

/** `base` with what the entry asks for, or, as text, why the entry has to stay in the chain. */
export function merge(base: Fields, { entry, path }: Placed): Merged | string {
  const type = typeOf(entry);
  const replacement = REPLACEMENTS.get(type);
  if (replacement === undefined) return "Pontoon does not do what this plugin does";
  const { keys, needless = [], without = {}, adds = {} } = replacement;
  const notes: string[] = [];
  const note = noteAt(path, notes);
  const given = read(entry, treeOf(keys));
  const taken: Fields = {
    ...adds,
    ...Object.fromEntries(
      Object.entries(given).filter(([key, value]) => !(value === "" && Object.hasOwn(adds, key))),
    ),
  };
  const others = read(entry, treeOf([...needless, ...Object.keys(without)]));
  const reason = Object.keys(without).find((key) => others[key] !== undefined);
  if (reason !== undefined) return `${reason}: ${without[reason]}`;
  let made: Fields = base;
  for (const [key, value] of Object.entries(taken)) {
    const before = valueOf(base, key);
    const joined = join(before, value, key);
    if (joined === undefined)
      return `${key} ${quote(value)} is not what an entry before it says, ${quote(before)}, and Pontoon has one ${key}`;
    made = withField(made, key, joined);
  }
  made = withCapabilities(made, joinCapabilities(capabilitiesOf(base), entry, replacement, note));
  for (const { key, text } of replacement.differences({ ...taken, ...others }))
    note(key, valueOf(entry, key), text);
  for (const [key, value] of Object.entries(entry)) {
    if (value !== null && !isAmong(key, [...keys, ...needless, ...ANY_ENTRY]))
      note(key, value, `is left out: ${type} takes no notice of it`);
  }
  return { entry: made, notes };
}

/** The value for a key that an entry before may have too; undefined when that says something else. */
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

function joinCapabilities(
  before: Fields,
  entry: Fields,
  { keys, capabilities, isDeafWithKeys = false }: Replacement,
  note: Note,
): Fields {
  const declared = capabilitiesOf(entry);
  const given = read(entry, treeOf(keys));
  const joined = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(declared)) {
    if (value !== true) continue;
    if (!capabilities.includes(name as Capability))
      note(`capabilities.${name}`, value, `is left out: ${typeOf(entry)} takes no notice of it`);
    else if (isDeafWithKeys && Object.keys(given).length > 0)
      note(
        `capabilities.${name}`,
        value,
        `is left out: ${typeOf(entry)} takes no notice of a runtime when its entry has limits`,
      );
    else joined.set(name, true);
  }
  for (const name of capabilities) {
    // The plugin would set its own value over that of the runtime, in Pontoon the runtime's counts.
    if (given[name] === undefined || given[name] === "" || before[name] !== true || declared[name] === true)
      continue;
    joined.delete(name);
    note(
      name,
      given[name],
      `the capability ${name} is left out, because ${typeOf(entry)} sets this value over what a runtime asks for`,
    );
  }
  return Object.fromEntries(joined);
}

type Note = (key: string, value: unknown, text: string) => void;

function noteAt(path: string, notes: string[]): Note {
  return (key, value, text) =>
    notes.push(
      `${path === "" ? "" : `${path}.`}${shownName(key)}${value === undefined ? "" : ` ${quote(value)}`}: ${text}`,
    );
}

function capabilitiesOf(entry: Fields): Fields {
  const found = valueOf(entry, "capabilities");
  return isFields(found) ? found : {};
}

/** No key where there are none and none stood there. */
function withCapabilities(entry: Fields, capabilities: Fields): Fields {
  if (JSON.stringify(capabilities) === JSON.stringify(capabilitiesOf(entry))) return entry;
  return Object.keys(capabilities).length === 0
    ? withoutKey(entry, "capabilities")
    : withField(entry, "capabilities", capabilities);
}

function read(entry: Fields, known: KeyTree): Fields {
  return normaliseKeys(entry, known) as Fields;
}

function valueOf(entry: Fields, key: string): unknown {
  return read(entry, { [key]: true })[key];
}

function treeOf(keys: readonly string[]): KeyTree {
  return Object.fromEntries(keys.map((key) => [key, true]));
}

function isAmong(key: string, names: readonly string[]): boolean {
  return names.some((name) => name.toLowerCase() === key.toLowerCase());
}

/** The value takes the place of the key in any spelling, or comes last. */
function withField(fields: Fields, key: string, value: unknown): Fields {
  const first = Object.keys(fields).find((name) => isAmong(name, [key]));
  if (first === undefined) return { ...fields, [key]: value };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, old]) =>
      name === first ? [[key, value]] : isAmong(name, [key]) ? [] : [[name, old]],
    ),
  );
}

function withoutKey(fields: Fields, key: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isAmong(name, [key])));
}
