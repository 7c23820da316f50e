// The network configuration that is to be installed: refused before anything is written when Pontoon, or the
// runtime, would refuse it later.

import { entriesOf, type Placed, typeOf } from "../../cni/chain.ts";
import { CniError } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { quote } from "../../cni/problems.ts";
import { textOf } from "../../sys/bytes.ts";
import { readConfigFile } from "../network/file.ts";
import { refusalOf } from "../network/refusal.ts";

/** A correct configuration, byte for byte as it was written, and its name on the node. */
export interface Configuration {
  name: string;
  bytes: Uint8Array;
}

/**
 * Reads the file, whose name on the node will be `name`. Throws CniError 5 when it cannot be read, code 6 or
 * 7, with file and place, when the content is wrong.
 */
export function readConfiguration(file: string, name: string): Configuration {
  const bytes = readConfigFile(file);
  const isList = inFile(file, () => check(textOf(bytes)));
  checkName(name, isList);
  return { name, bytes };
}

/** True for a network list, false for a single configuration. Throws CniError for wrong content. */
function check(text: string): boolean {
  const { config, chain } = chainOf(text);
  const ours = chain.filter(({ entry }) => typeOf(entry) === "pontoon");
  if (ours.length === 0) throw noneOfOurs(chain);
  for (const placed of ours) checkEntry(placed, config);
  return config["plugins"] !== undefined;
}

function chainOf(text: string): { config: Fields; chain: Placed[] } {
  if (text.trim() === "") throw invalid("there is nothing in it", "Give it a network configuration");
  const config = parseJson(text);
  if (!isFields(config))
    throw invalid("it is no network configuration, which is an object", "Give it a .conflist or .conf file");
  const chain = entriesOf(config, "pontoon");
  for (const { entry, path } of chain)
    if (path !== "" && typeOf(entry) === "")
      throw invalid(`${path}: names no plugin`, 'Write it as in { "type": "pontoon" }');
  return { config, chain };
}

/** The result of `action`; an error that it throws gets the file's name. */
function inFile<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const known =
      error instanceof RangeError
        ? invalid("it is nested too deep", "Take out what is nested without end")
        : error;
    if (!(known instanceof CniError)) throw known;
    throw new CniError(
      known.kind,
      { ...known.parts, message: `${file}: ${known.message}` },
      { cause: error },
    );
  }
}

/**
 * Refuses a name that does not fit the content: a runtime passes over names that it does not know, and takes
 * the kind of content from the ending.
 */
function checkName(name: string, isList: boolean): void {
  const endings = isList ? [".conflist"] : [".conf", ".json"];
  if (endings.some((ending) => name.endsWith(ending))) return;
  throw invalid(
    `${quote(name)} is no name of a ${isList ? "network list" : "single configuration"}: a runtime would not read it`,
    `Give it a name that ends in ${endings.join(" or ")}, with --name`,
  );
}

function noneOfOurs(chain: readonly Placed[]): CniError {
  const types = chain.map(({ entry }) => quote(typeOf(entry))).join(", ");
  return invalid(
    `no plugin in it is "pontoon" (${types || "there is none"})`,
    'Make one of a chain of the reference plugins with "pontoon migrate", or see "pontoon install --help"',
  );
}

function checkEntry({ entry, path }: Placed, config: Fields): void {
  const refusal = refusalOf(entry, config);
  if (refusal === undefined) return;
  const { cause, hint } = refusal.parts;
  const message = `${path === "" ? "" : `${path}: `}Pontoon would refuse the entry: ${refusal.message}`;
  throw new CniError("invalidConfig", { message, cause, hint }, { cause: refusal });
}

function invalid(message: string, hint: string): CniError {
  return new CniError("invalidConfig", { message, hint });
}
