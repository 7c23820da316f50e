// The capabilities that entries of a chain declare, and those of one entry in their place.

import { typeOf } from "../../cni/chain.ts";
import type { Fields } from "../../cni/keys.ts";
import { capabilitiesOf, read, treeOf, valueOf, withCapabilities } from "./fields.ts";
import type { MainPlugin } from "./main-plugin.ts";
import type { Note } from "./note.ts";
import { REPLACEMENTS } from "./plugin.ts";
import type { Capability, Replacement } from "./replacement.ts";

/**
 * The capabilities of an entry of the plugin `type`, which connects a pod, without those of other plugins: it
 * ignores these, and Pontoon would not.
 */
export function ownCapabilities(
  entry: Fields,
  { type, plugin }: { type: string; plugin: MainPlugin },
  note: Note,
): Fields {
  const ofOthers: string[] = [...REPLACEMENTS.values()]
    .flatMap(({ capabilities }) => capabilities)
    .filter((name) => !plugin.capabilities.includes(name));
  return Object.fromEntries(
    Object.entries(capabilitiesOf(entry)).filter(([name, value]) => {
      if (name === "dns" && value === true)
        note(
          "capabilities.dns",
          value,
          `${type} takes no notice of it; Pontoon puts the name servers that a runtime sends into the result`,
        );
      if (!ofOthers.includes(name)) return true;
      note(`capabilities.${name}`, value, `is left out: ${type} takes no notice of it, and Pontoon would`);
      return false;
    }),
  );
}

/** The capabilities `before`, and those of an entry of the plugin that `replacement` describes. */
export function joinCapabilities(
  before: Fields,
  { entry, replacement, note }: { entry: Fields; replacement: Replacement; note: Note },
): Fields {
  const { keys, capabilities } = replacement;
  const declared = capabilitiesOf(entry);
  const given = read(entry, treeOf(keys));
  const joined = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(declared)) {
    if (value !== true) continue;
    const reason = deafness(name, given, { entry, replacement });
    if (reason === undefined) joined.set(name, true);
    else note(`capabilities.${name}`, value, reason);
  }
  for (const name of capabilities) {
    // The plugin would prefer its own value to that of the runtime; Pontoon prefers the runtime's.
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

const FOR_ONE_POD = ["ips", "mac"];
const OF_OTHER_PLUGINS = ["portMappings", "bandwidth"];

/**
 * The entry with the capabilities `ips` and `mac` beside those of other plugins. podman puts `ips` in the
 * place of all capabilities of a list's first entry when that lacks it, and an address is asked for. A MAC of
 * the entry itself counts before that of a runtime, so `mac` then stays away.
 */
export function withCapabilitiesForOnePod(entry: Fields): Fields {
  const declared = capabilitiesOf(entry);
  if (!OF_OTHER_PLUGINS.some((name) => declared[name] === true)) return entry;
  const missing = FOR_ONE_POD.filter(
    (name) => declared[name] === undefined && valueOf(entry, name) === undefined,
  );
  return withCapabilities(entry, { ...declared, ...Object.fromEntries(missing.map((name) => [name, true])) });
}

/** The reason why the entry's plugin ignores a declared capability; undefined when it does not. */
function deafness(
  name: string,
  given: Fields,
  { entry, replacement }: { entry: Fields; replacement: Replacement },
): string | undefined {
  const { capabilities, isDeafWithKeys = false } = replacement;
  if (!capabilities.includes(name as Capability))
    return `is left out: ${typeOf(entry)} takes no notice of it`;
  return isDeafWithKeys && Object.keys(given).length > 0
    ? `is left out: ${typeOf(entry)} takes no notice of a runtime when its entry has limits`
    : undefined;
}
