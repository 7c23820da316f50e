// The network configuration that is to be installed: refused before anything is written when Pontoon, or the
// runtime, would refuse it later.

import { type Placed, typeOf } from "../../cni/chain.ts";
import { CniError } from "../../cni/error.ts";
import { quote } from "../../cni/problems.ts";
import { joined } from "../../failure/failure.ts";
import { textOf } from "../../sys/bytes.ts";
import { inFile, readConfigFile } from "../network/file.ts";
import { endingsFor, isNameFor } from "../network/folder.ts";
import {
  limited,
  type Network,
  ourEntries,
  type Refusal,
  readNetwork,
  refusalsOf,
} from "../network/network.ts";
import { misspeltIn } from "../network/unread.ts";

/** A correct configuration, byte for byte as it was written, and its name on the node. */
export interface Configuration {
  name: string;
  bytes: Uint8Array;
  /** Sentences about keys that nobody reads and that look like others. */
  misspelt: string[];
}

/**
 * Reads the file, whose name on the node will be `name`. Throws CniError 5 when it cannot be read, code 6 or
 * 7, with file and place, when the content is wrong.
 */
export function readConfiguration(file: string, name: string): Configuration {
  const bytes = readConfigFile(file);
  const network = inFile(file, () => limited(() => readRight(textOf(bytes))));
  checkName(name, network.isList);
  return { name, bytes, misspelt: misspeltIn(network).map(({ text }) => `${file}: ${text}`) };
}

/** The network that no ADD would refuse. Throws CniError for any other. */
function readRight(text: string): Network {
  const network = readNetwork(text);
  const errors = refusalsOf(network).map(withPlace);
  const [first] = errors;
  if (first !== undefined) throw joined(first, errors);
  if (ourEntries(network).length === 0) throw noneOfOurs(network.chain);
  return network;
}

/**
 * Refuses a name that does not fit the content: a runtime passes over names that it does not know, and takes
 * the kind of content from the ending.
 */
function checkName(name: string, isList: boolean): void {
  if (isNameFor(name, isList)) return;
  throw invalid(
    `${quote(name)} is no name of a ${isList ? "network list" : "single configuration"}: a runtime would not read it`,
    `Give it a name that ends in ${endingsFor(isList).join(" or ")}, with --name`,
  );
}

function noneOfOurs(chain: readonly Placed[]): CniError {
  const types = chain.map(({ entry }) => quote(typeOf(entry))).join(", ");
  return invalid(
    `no plugin in it is "pontoon" (${types})`,
    'Make one of a chain of the reference plugins with "pontoon migrate", or see "pontoon install --help"',
  );
}

/** The error with the place of the entry that is wrong. */
function withPlace({ path, error }: Refusal): CniError {
  if (path === "") return error;
  const message = `${path}: ${error.message}`;
  return new CniError(error.kind, { ...error.parts, message, about: undefined }, { cause: error });
}

function invalid(message: string, hint: string): CniError {
  return new CniError("invalidConfig", { message, hint });
}
