// A chain of plugins with one entry of Pontoon in the place of the plugin that connects the pod and of those
// behind it that Pontoon replaces.
import { LOOPBACK } from "../../cni/about.ts";
import { type Placed, typeOf } from "../../cni/chain.ts";
import { CniError } from "../../cni/error.ts";
import type { Fields } from "../../cni/keys.ts";
import { quote } from "../../cni/problems.ts";
import { refusalOf } from "../network/refusal.ts";
import { withCapabilitiesForOnePod } from "./capability.ts";
import { choices, fromMain, isMain } from "./main-entry.ts";
import { MAIN_PLUGINS } from "./main-plugin.ts";
import { type Merged, merge } from "./merge.ts";
import { LOOPBACK_STAYS, titleOf } from "./note.ts";
import { REPLACEMENTS } from "./plugin.ts";

/**
 * The entries of the migrated chain in their order, and a sentence for each difference. `network` is the list
 * around the chain. Throws CniError 7 where there is nothing to migrate, or Pontoon would refuse the outcome.
 */
export function migrateChain(
  chain: readonly Placed[],
  network: Fields,
): { entries: Fields[]; notes: string[] } {
  if (isLoopbackAlone(chain)) return { entries: chain.map(({ entry }) => entry), notes: stayInFront(chain) };
  const at = mainOf(chain);
  const source = chain[at]!;
  const base = fromMain(source);
  const refusal = refusalOf(base.entry, network);
  if (refusal !== undefined)
    throw invalid(
      `${source.path === "" ? "" : `${source.path}: `}Pontoon would refuse the entry: ${refusal.message}`,
      refusal.parts.hint,
    );
  const { entry, notes, rest } = mergeAll(base, chain.slice(at + 1), network);
  const before = chain.slice(0, at);
  const chosen = choices(typeOf(source.entry), { entry, path: source.path });
  return {
    entries: [...before.map((each) => each.entry), withCapabilitiesForOnePod(entry), ...rest],
    notes: [...stayInFront(before), ...chosen, ...notes],
  };
}

/** True for the list that a runtime may have for the pod's `lo`. */
function isLoopbackAlone(chain: readonly Placed[]): boolean {
  return chain.length > 0 && chain.every(({ entry }) => typeOf(entry) === LOOPBACK);
}

function stayInFront(before: readonly Placed[]): string[] {
  return before.map((each) =>
    typeOf(each.entry) === LOOPBACK
      ? `${titleOf(each)}: stays as it is: ${LOOPBACK_STAYS}`
      : `${titleOf(each)}: stays in front of Pontoon as it is`,
  );
}

/** The place of the chain's one entry that connects the pod. Throws CniError 7 for none and for several. */
function mainOf(chain: readonly Placed[]): number {
  const ours = chain.flatMap(({ entry }, index) => (isMain(entry) ? [index] : []));
  const types = chain.map(({ entry }) => quote(typeOf(entry))).join(", ");
  const [at] = ours;
  if (at === undefined)
    throw invalid(
      `no plugin in it connects a pod in a way of Pontoon's (${types || "there is none"})`,
      `Keep the file: Pontoon takes the place of ${[...MAIN_PLUGINS.keys()].join(", ")} alone`,
    );
  if (ours.length > 1)
    throw invalid(`more than one plugin in it connects the pod (${types})`, "Write a list for each of them");
  return at;
}

/**
 * `base` merged with the entries behind it that can be merged, in order. `rest` are the entries that stay.
 */
function mergeAll(
  base: Merged,
  behind: readonly Placed[],
  network: Fields,
): Merged & { rest: readonly Fields[] } {
  let { entry } = base;
  const notes = [...base.notes];
  const stayed: Placed[] = [];
  for (const placed of behind) {
    const merged = orderCounts(placed, { behind, stayed }) ?? mergeOne(entry, placed, network);
    if (typeof merged === "string") {
      stayed.push(placed);
      notes.push(`${titleOf(placed)}: stays behind Pontoon as it is: ${merged}`);
      continue;
    }
    entry = merged.entry;
    notes.push(...merged.notes);
    const overtaken = stayed.filter((each) => !REPLACEMENTS.has(typeOf(each.entry)));
    for (const each of overtaken) notes.push(`${titleOf(placed)}: is done before ${titleOf(each)} now`);
  }
  return { entry, notes, rest: stayed.map((each) => each.entry) };
}

/** The reason why an entry stays beside others of its plugin: they are too many, or an earlier one stayed. */
function orderCounts(
  { entry }: Placed,
  { behind, stayed }: { behind: readonly Placed[]; stayed: readonly Placed[] },
): string | undefined {
  const type = typeOf(entry);
  const replacement = REPLACEMENTS.get(type);
  if (replacement === undefined) return undefined;
  const count = behind.filter((each) => typeOf(each.entry) === type).length;
  if (replacement.isRepeatable !== true && count > 1) return `${type} is there ${count} times`;
  return stayed.some((each) => typeOf(each.entry) === type)
    ? `an entry of ${type} before it stays, and its order counts`
    : undefined;
}

/** `entry` merged with the entry at `placed`, or, as text, the reason why that entry has to stay. */
function mergeOne(entry: Fields, placed: Placed, network: Fields): Merged | string {
  const merged = merge(entry, placed);
  if (typeof merged === "string") return merged;
  const refusal = refusalOf(merged.entry, network);
  return refusal === undefined ? merged : `Pontoon would refuse it: ${refusal.message}`;
}

function invalid(message: string, hint: string | undefined): CniError {
  return new CniError("invalidConfig", { message, hint });
}
