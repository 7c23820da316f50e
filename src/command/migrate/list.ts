// A whole network list, or a single configuration, with one entry of Pontoon for a chain of plugins.
import { CniError } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { entriesOf } from "../network/entry.ts";
import { migrateChain } from "./chain.ts";

/**
 * `text` is the configuration with one entry, `notes` has a sentence for each thing that is not as it was.
 */
export interface Migrated {
  text: string;
  notes: string[];
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
  const { entries, notes } = migrateChain(entriesOf(config, "bridge"), config);
  const isList = config["plugins"] !== undefined;
  return { text: printed(isList ? { ...config, plugins: entries } : entries[0]), notes };
}

/**
 * A number that would be printed in another way than it was written, such as one of more than 53 bits, stays
 * text.
 */
function keepNumber(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  // JSON.rawJSON is newer than what TypeScript knows of JSON: the text is printed as it is.
  return (JSON as unknown as { rawJSON: (text: string) => object }).rawJSON(source);
}

function printed(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function invalid(message: string, hint: string): CniError {
  return new CniError("invalidConfig", { message, hint });
}
