// The first steps with a configuration, equal for every verb and in the Go skeleton's order: JSON, name,
// version.
import { CniError } from "./error.ts";
import { parseJson } from "./json.ts";
import { type Fields, isFields, type KeyTree, normaliseKeys, type OnUnread } from "./keys.ts";
import { isPlainName } from "./name.ts";
import { quote } from "./problems.ts";
import { checkVersionGate, similarVersion, type Version, versionOrNewest } from "./version.ts";

export interface Decoded {
  cniVersion: Version;
  name: string;
  /** Only the known keys, under their right names; values are not checked yet. */
  fields: Fields;
  /** The configuration as it was sent. */
  sent: Fields;
}

/** The keys that are read, and a listener for the others. */
interface Keys {
  known: KeyTree;
  onUnread?: OnUnread;
}

/**
 * Reads the known keys of a configuration. Throws CniError: code 6 for text that is no JSON object, or for a
 * name or cniVersion that is no text; code 7 for a missing or illegal name; code 1 for a version that does
 * not fit, other than in a DEL (contract 5.1, 5.2, 6).
 */
export function decodeConfig(text: string, verb: string, keys: Keys): Decoded {
  const value = parseJson(text);
  if (value !== null && !isFields(value)) {
    throw undecodable(
      `error unmarshall network config: json: cannot unmarshal ${kindOf(value)} into a network configuration, which is an object`,
    );
  }
  const sent = value ?? {};
  const fields = normaliseKeys(sent, keys.known, keys.onUnread) as Fields;
  const name = checkName(fields["name"]);
  return { cniVersion: readVersion(fields["cniVersion"] ?? "", verb), name, fields, sent };
}

/**
 * The version of a configuration; without one it is 0.1.0. A DEL takes any value: pods that were made before
 * somebody edited the version have to go.
 */
function readVersion(version: unknown, verb: string): Version {
  if (version === "") return checkVersionGate(verb, "0.1.0");
  if (verb === "DEL") return versionOrNewest(version);
  if (typeof version === "string") return checkVersionGate(verb, version);
  const meant = similarVersion(version);
  const hint = meant === undefined ? undefined : `Set cniVersion to "${meant}", with quotes`;
  throw undecodable(
    `decoding version from network config: json: cannot unmarshal ${kindOf(version)} into cniVersion, which is a string`,
    { path: "cniVersion", hint },
  );
}

function checkName(name: unknown): string {
  if (name === undefined || name === "") {
    throw new CniError("invalidConfig", {
      message: "missing network name",
      hint: 'Give the network configuration a "name"',
      path: "name",
    });
  }
  if (typeof name !== "string") {
    throw undecodable(
      `error unmarshall network config: json: cannot unmarshal ${kindOf(name)} into name, which is a string`,
      { path: "name" },
    );
  }
  if (!isPlainName(name)) {
    throw new CniError("invalidConfig", {
      message: "invalid characters found in network name",
      details: name,
      path: "name",
    });
  }
  return name;
}

function undecodable(message: string, parts: { path?: string; hint?: string | undefined } = {}): CniError {
  const { path, hint = "Correct the JSON text of the network configuration" } = parts;
  return new CniError("undecodable", { message, hint, path });
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean"
    ? "bool"
    : typeof value === "object"
      ? "object"
      : `${typeof value} ${quote(value)}`;
}
