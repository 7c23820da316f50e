// A whole network list, or a single configuration, with one entry of Pontoon for a chain of plugins.

import { entriesOf } from "../../cni/chain.ts";
import { CniError } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { migrateChain } from "./chain.ts";

/** `text` is the configuration with one entry, `notes` has a sentence for each difference. */
export interface Migrated {
  text: string;
  notes: string[];
}

/**
 * A network list or a single configuration in which the entry that connects the pod, and the entries behind
 * it that Pontoon replaces, are one entry of Pontoon. All else stays, in its order. Each new entry has passed
 * the reader of ADD. Throws CniError 6 for a text that is no network configuration, code 7 where there is
 * nothing to migrate, or Pontoon would refuse the outcome.
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
 * A number that would be printed differently than it was written, such as a number of more than 53 bits,
 * stays text.
 */
function keepNumber(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  // JSON.rawJSON, which TypeScript does not know yet, prints the text as it is.
  return (JSON as unknown as { rawJSON: (text: string) => object }).rawJSON(source);
}

function printed(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function invalid(message: string, hint: string): CniError {
  return new CniError("invalidConfig", { message, hint });
}
