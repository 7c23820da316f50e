// The entry of a plugin as its file has it: keys are found in any spelling, and stay in their order.
import { type Fields, isFields, type KeyTree, normaliseKeys } from "../../cni/keys.ts";

/** The known keys of an entry under their right names, as a plugin in Go reads them. */
export function read(entry: Fields, known: KeyTree): Fields {
  return normaliseKeys(entry, known) as Fields;
}

/** The value of a key, however that is spelt; undefined when it is not there, or null. */
export function valueOf(entry: Fields, key: string): unknown {
  return read(entry, { [key]: true })[key];
}

/** The capabilities that an entry declares; none when they are no object. */
export function capabilitiesOf(entry: Fields): Fields {
  const found = valueOf(entry, "capabilities");
  return isFields(found) ? found : {};
}

/** The tree of these keys, whose values may be anything. */
export function treeOf(keys: readonly string[]): KeyTree {
  return Object.fromEntries(keys.map((key) => [key, true]));
}

/** True when `key` is one of the names, however it is spelt. */
export function isAmong(key: string, names: readonly string[]): boolean {
  return names.some((name) => name.toLowerCase() === key.toLowerCase());
}

/** A copy in which the value takes the place of the key in any spelling, or comes last. */
export function withField(fields: Fields, key: string, value: unknown): Fields {
  const first = Object.keys(fields).find((name) => isAmong(name, [key]));
  if (first === undefined) return { ...fields, [key]: value };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, old]) =>
      name === first ? [[key, value]] : isAmong(name, [key]) ? [] : [[name, old]],
    ),
  );
}

/** A copy without the key, in any spelling. */
export function withoutKey(fields: Fields, key: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isAmong(name, [key])));
}

/** A copy with these capabilities. An entry that had none and gets none has no such key. */
export function withCapabilities(entry: Fields, capabilities: Fields): Fields {
  if (JSON.stringify(capabilities) === JSON.stringify(capabilitiesOf(entry))) return entry;
  return Object.keys(capabilities).length === 0
    ? withoutKey(entry, "capabilities")
    : withField(entry, "capabilities", capabilities);
}
