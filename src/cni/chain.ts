// The entries of a network configuration, each with its place in the file.
import { CniError } from "./error.ts";
import { type Fields, isFields, normaliseKeys } from "./keys.ts";

/** An entry and its place: `plugins[1]`, or empty for a file that is a single entry. */
export interface Placed {
  entry: Fields;
  path: string;
}

/**
 * The entries of a network list, in order; a configuration without `plugins` is itself the only entry.
 * `example` is the plugin that the hints name. Throws CniError 7 when `plugins` is no list of entries.
 */
export function entriesOf(config: Fields, example: string): Placed[] {
  const { plugins } = config;
  if (plugins === undefined) return [{ entry: config, path: "" }];
  if (!Array.isArray(plugins))
    throw invalid("plugins", "must be a list", `Write it as in "plugins": [{ "type": "${example}" }]`);
  return plugins.map((entry: unknown, index) => {
    if (!isFields(entry))
      throw invalid(`plugins[${index}]`, "must be an object", `Write it as in { "type": "${example}" }`);
    return { entry, path: `plugins[${index}]` };
  });
}

/** The plugin's name, however the key is spelt; empty where there is none. */
export function typeOf(entry: Fields): string {
  const { type } = normaliseKeys(entry, { type: true }) as Fields;
  return typeof type === "string" ? type : "";
}

function invalid(path: string, text: string, hint: string): CniError {
  const message = `${path}: ${text}`;
  return new CniError("invalidConfig", { message, hint, problems: [{ path, text: message, hint }] });
}
