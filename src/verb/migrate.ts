// `pontoon migrate`: for the operator who has a chain of the reference plugins and wants one entry.
import {
  choices,
  fromBridge,
  type Merged,
  merge,
  type Placed,
  shownName,
  typeOf,
} from "../cni/chain-entry.ts";
import { REPLACEMENTS } from "../cni/chain-plugin.ts";
import { parseNetconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { parseJson } from "../cni/json.ts";
import { type Fields, isFields, normaliseKeys } from "../cni/keys.ts";
import { NETCONF_KEYS } from "../cni/netconf-keys.ts";
import { quote } from "../cni/problems.ts";
import { textOf } from "../sys/bytes.ts";
import { errnoName, errnoOf, SystemError } from "../sys/errno.ts";
import { O_RDONLY, openFile, readAll } from "../sys/file.ts";

/**
 * What to say: `text` is the configuration with one entry, `notes` has a sentence for each thing that is not
 * as it was.
 */
export interface Migrated {
  text: string;
  notes: string[];
}

/** The text of a file. Throws CniError 5 when it cannot be read. */
export function readConfigFile(path: string): string {
  try {
    using file = openFile(path, O_RDONLY);
    return textOf(readAll(file.fd, path));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new CniError("ioFailure", {
      message: `${path} cannot be read: ${error.errno === errnoOf("ENOENT") ? "there is no such file" : errnoName(error.errno)}`,
    });
  }
}

/**
 * A network list or a single configuration in which the entry of `bridge`, and those behind it that Pontoon
 * makes needless, are one entry of Pontoon. All else stays, in its order. Each entry that is made was read by
 * what reads an ADD. Throws CniError 6 for what is no network configuration, code 7 where there is nothing to
 * migrate, or Pontoon would refuse the outcome.
 */
export function migrate(text: string): Migrated {
  try {
    return migrateText(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid("it is nested too deep", "Take out what is nested without end");
  }
}

function migrateText(text: string): Migrated {
  if (text.trim() === "") throw invalid("there is nothing in it", "Give it a network configuration");
  if (!isFields(parseJson(text)))
    throw invalid("it is no network configuration, which is an object", "Give it a .conflist or .conf file");
  const config = JSON.parse(text, keepNumber) as Fields;
  if (config["plugins"] === undefined) {
    const { entries, notes } = migrateChain([{ entry: config, path: "" }], config);
    return { text: printed(entries[0]), notes };
  }
  const { entries, notes } = migrateChain(entriesOf(config["plugins"]), config);
  return { text: printed({ ...config, plugins: entries }), notes };
}

/**
 * A number that would be printed in another way than it was written, such as one of more than 53 bits, stays
 * text.
 */
function keepNumber(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  // Newer than what TypeScript knows of JSON: printed as it is.
  return (JSON as unknown as { rawJSON: (text: string) => object }).rawJSON(source);
}

function entriesOf(plugins: unknown): Placed[] {
  if (!Array.isArray(plugins))
    throw invalid("plugins: must be a list", 'Write it as in "plugins": [{ "type": "bridge" }]');
  return plugins.map((entry: unknown, index) => {
    if (!isFields(entry))
      throw invalid(`plugins[${index}]: must be an object`, 'Write it as in { "type": "bridge" }');
    return { entry, path: `plugins[${index}]` };
  });
}

function migrateChain(chain: Placed[], network: Fields): { entries: Fields[]; notes: string[] } {
  const ours = chain.flatMap(({ entry }, index) =>
    ["bridge", "pontoon"].includes(typeOf(entry)) ? [index] : [],
  );
  const [at] = ours;
  const types = chain.map(({ entry }) => quote(typeOf(entry))).join(", ");
  if (at === undefined)
    throw invalid(
      `no plugin in it is a bridge (${types || "there is none"})`,
      "Keep the file: Pontoon takes the place of the plugin bridge alone",
    );
  if (ours.length > 1)
    throw invalid(`more than one plugin in it is a bridge (${types})`, "Write a list for each of them");
  const source = chain[at]!;
  const base = fromBridge(source);
  const refusal = refusalOf(base.entry, network);
  if (refusal !== undefined)
    throw invalid(
      `${source.path === "" ? "" : `${source.path}: `}Pontoon would refuse the entry: ${refusal.message}`,
      refusal.parts.hint,
    );
  const { entry, notes, rest } = mergeAll(base, chain.slice(at + 1), network);
  const before = chain.slice(0, at);
  const stay = before.map((each) => `${titleOf(each)}: stays in front of Pontoon as it is`);
  const chosen = typeOf(source.entry) === "bridge" ? choices({ entry, path: source.path }) : [];
  return {
    entries: [...before.map((each) => each.entry), entry, ...rest],
    notes: [...stay, ...chosen, ...notes],
  };
}

/** Merges what can be merged, in order. `rest` are the entries that stay. */
function mergeAll(base: Merged, behind: Placed[], network: Fields): Merged & { rest: Fields[] } {
  let { entry } = base;
  const notes = [...base.notes];
  const stayed: Placed[] = [];
  for (const placed of behind) {
    const merged = mergeOne(entry, placed, behind, stayed, network);
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

function mergeOne(
  entry: Fields,
  placed: Placed,
  behind: Placed[],
  stayed: Placed[],
  network: Fields,
): Merged | string {
  const type = typeOf(placed.entry);
  const replacement = REPLACEMENTS.get(type);
  const twins = behind.filter((each) => typeOf(each.entry) === type);
  if (replacement !== undefined && replacement.isRepeatable !== true && twins.length > 1)
    return `${type} is there ${twins.length} times`;
  if (replacement !== undefined && stayed.some((each) => typeOf(each.entry) === type))
    return `an entry of ${type} before it stays, and its order counts`;
  const merged = merge(entry, placed);
  if (typeof merged === "string") return merged;
  const refusal = refusalOf(merged.entry, network);
  return refusal === undefined ? merged : `Pontoon would refuse it: ${refusal.message}`;
}

/**
 * What an ADD with this entry would be refused with before anything is done; undefined when it would not be.
 */
function refusalOf(entry: Fields, { name, cniVersion, cniVersions }: Fields): CniError | undefined {
  const version = cniVersion ?? (Array.isArray(cniVersions) ? (cniVersions as unknown[]).at(-1) : undefined);
  try {
    parseNetconf(JSON.stringify({ ...entry, ...rangesOfRuntime(entry), name, cniVersion: version }), "ADD");
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

/** Where the runtime gives all ranges, an entry without any is whole. */
function rangesOfRuntime(entry: Fields): Fields {
  const { ipam, capabilities } = normaliseKeys(entry, NETCONF_KEYS) as Fields;
  const isGiven =
    isFields(capabilities) &&
    capabilities["ipRanges"] === true &&
    isFields(ipam) &&
    ipam["ranges"] === undefined &&
    ipam["subnet"] === undefined;
  return isGiven ? { runtimeConfig: { ipRanges: [[{ subnet: "192.0.2.0/24" }]] } } : {};
}

function titleOf({ entry, path }: Placed): string {
  return `${path} (${shownName(typeOf(entry))})`;
}

function printed(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function invalid(about: string, hint?: string): CniError {
  return new CniError("invalidConfig", { message: about, hint });
}
