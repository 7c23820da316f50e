// The network that a person names: a file, stdin, or a name in the folder of configurations.
import { entriesOf, typeOf } from "../../cni/chain.ts";
import { CniError } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { readConfigurations } from "../../survey/network.ts";
import { textOf } from "../../sys/bytes.ts";
import { fileStatus } from "../../sys/status.ts";
import type { Person } from "../command.ts";
import { readConfigFile } from "../network/file.ts";

/** A network of Pontoon. */
export interface NamedNetwork {
  /** The entry of Pontoon, as a runtime hands it to the plugin. */
  entry: Fields;
  /** The other plugins of the chain, which do more. */
  others: string[];
  /** The place of the configuration in words: a path, or "stdin". */
  source: string;
}

/** Finds the network. Throws CniError when there is none, or none of Pontoon. */
export function readNetwork(word: string, folder: string, person: Person): NamedNetwork {
  if (word === "-") return networkIn(person.readStdin(), "stdin");
  const path = fileStatus(word)?.kind === "file" ? word : pathOf(word, folder);
  return networkIn(textOf(readConfigFile(path)), path);
}

/** The file of a network with that name. A word with a slash or an ending can only be meant as a file. */
function pathOf(word: string, folder: string): string {
  if (/[/]|\.(conflist|conf|json)$/.test(word)) return word;
  const files = readConfigurations(folder);
  const found = files.find(({ name }) => name === word);
  if (found !== undefined) return found.path;
  const names = files.flatMap(({ name }) => name ?? []);
  throw new CniError("invalidConfig", {
    message: `there is no file ${JSON.stringify(word)}, and no network of that name in ${folder}`,
    hint: names.length === 0 ? "Name a file" : `Name a file, or one of ${[...new Set(names)].join(", ")}`,
  });
}

function networkIn(text: string, source: string): NamedNetwork {
  const config = parseJson(text);
  if (!isFields(config))
    throw new CniError("undecodable", { message: `${source} is no network configuration` });
  const chain = entriesOf(config, "pontoon").map(({ entry }) => entry);
  const own = chain.find((entry) => typeOf(entry) === "pontoon");
  if (own === undefined)
    throw new CniError("invalidConfig", {
      message: `${source} has no entry of type "pontoon"`,
      hint: 'Look with "pontoon migrate" what such an entry would be',
    });
  const { name, cniVersion, cniVersions } = config;
  const version = cniVersion ?? (Array.isArray(cniVersions) ? (cniVersions as unknown[]).at(-1) : undefined);
  return {
    entry: { ...own, name, cniVersion: version },
    others: chain.filter((entry) => entry !== own).map(typeOf),
    source,
  };
}
