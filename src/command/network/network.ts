// A network configuration as a person wrote it: a network list, or a single entry. Read for those who install
// it and for those who look for mistakes in it.
import { PONTOON } from "../../cni/about.ts";
import { entriesOf, type Placed, typeOf } from "../../cni/chain.ts";
import { decodeConfig } from "../../cni/decode.ts";
import { CniError } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { pathBelow } from "../../cni/json-place.ts";
import { type Fields, isFields, type KeyTree, normaliseKeys } from "../../cni/keys.ts";
import { quote } from "../../cni/problems.ts";
import { refuseUnsupported } from "../../cni/unsupported.ts";
import { NEWEST_VERSION } from "../../cni/version.ts";
import { refusalOf } from "./refusal.ts";

/** A network configuration. */
export interface Network {
  /** The whole, as it was written. */
  config: Fields;
  /** The entries of plugins, in their order. */
  chain: Placed[];
  /** True for a network list, false for a single entry. */
  isList: boolean;
}

/** A reason for which a runtime or an ADD would refuse a configuration. */
export interface Refusal {
  /** The place of the entry, as in `plugins[1]`; empty for the whole. */
  path: string;
  error: CniError;
}

const EXAMPLE_ENTRY = `{ "type": "${PONTOON}" }`;

/** The keys of a network list that libcni 1.3 reads, in this spelling alone (NetworkConfFromBytes). */
export const LIST_KEYS = {
  cniVersion: true,
  cniVersions: true,
  name: true,
  disableCheck: true,
  disableGC: true,
  loadOnlyInlinedPlugins: true,
  plugins: true,
} as const satisfies KeyTree;

/**
 * The configuration in `text`. Throws CniError 6 for a text that is no JSON, code 7 where it has no entries
 * that can be looked at.
 */
export function readNetwork(text: string): Network {
  if (text.trim() === "") throw wrong("", "there is nothing in it", "Give it a network configuration");
  const config = parseJson(text);
  if (!isFields(config))
    throw wrong(
      "",
      "it is no network configuration, which is an object",
      "Give it a .conflist or .conf file",
    );
  return { config, chain: entriesOf(config, PONTOON), isList: config["plugins"] !== undefined };
}

/** The result of `action`, which reads a configuration. Throws CniError 7 for one that is nested too deep. */
export function limited<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw wrong("", "it is nested too deep", "Take out what is nested without end");
  }
}

/** The entries of Pontoon. */
export function ourEntries({ chain }: Network): Placed[] {
  return chain.filter(({ entry }) => typeOf(entry) === PONTOON);
}

/** All reasons for which a runtime, or an ADD, would refuse the configuration, those of the whole first. */
export function refusalsOf(network: Network): Refusal[] {
  const ofWhole = [...headRefusals(network), ...(network.isList ? listRefusals(network) : [])];
  const head = headOf(network, ofWhole);
  return [
    ...ofWhole.map((error) => ({ path: "", error })),
    ...network.chain.flatMap(({ entry, path }) =>
      entryRefusals(entry, head).map((error) => ({ path, error })),
    ),
  ];
}

/** Name and version of a configuration, by which its entries are read. */
export function headOf({ config, isList }: Network, refusals: readonly CniError[] = []): Fields {
  const { name, cniVersion, cniVersions } = isList ? config : (normaliseKeys(config, LIST_KEYS) as Fields);
  const isWrong = (key: string): boolean => refusals.some(({ parts }) => parts.path === key);
  return {
    name: isWrong("name") ? "network" : name,
    cniVersion: isWrong("cniVersion") ? NEWEST_VERSION : cniVersion,
    cniVersions,
  };
}

/** The name and the version as every reader of them takes them. */
function headRefusals(network: Network): CniError[] {
  const { name, cniVersion } = headOf(network);
  return [{ name }, { name: "network", cniVersion }].flatMap((head) =>
    caught(() => decodeConfig(JSON.stringify(head), "ADD", { known: LIST_KEYS })),
  );
}

/** The mistakes in a list for which libcni passes over the whole file. */
function listRefusals({ config, chain }: Network): CniError[] {
  const { cniVersions } = config;
  const refusals: CniError[] = [];
  if (cniVersions !== undefined && !(Array.isArray(cniVersions) && cniVersions.every(isVersionText)))
    refusals.push(wrong("cniVersions", 'cniVersions: must be a list of versions, as in ["1.0.0", "1.1.0"]'));
  for (const key of ["disableCheck", "disableGC", "loadOnlyInlinedPlugins"])
    if (config[key] !== undefined && !/^(true|false)$/i.test(String(config[key])))
      refusals.push(wrong(key, `${key} ${quote(config[key])}: must be true or false`));
  if (chain.length === 0)
    refusals.push(wrong("plugins", "plugins: is empty", `Write it as in ${EXAMPLE_ENTRY}`));
  return refusals;
}

function isVersionText(version: unknown): boolean {
  return typeof version === "string" && /^\d+\.\d+(\.\d+)?$/.test(version);
}

/** The mistakes of an entry: of every plugin's what libcni refuses, of ours what an ADD does. */
function entryRefusals(entry: Fields, head: Fields): CniError[] {
  const { type, capabilities } = normaliseKeys(entry, { type: true, capabilities: true }) as Fields;
  const refusals: CniError[] = [];
  if (typeof type !== "string" || type === "")
    refusals.push(
      wrong(type === undefined ? "" : "type", "names no plugin", `Write it as in ${EXAMPLE_ENTRY}`),
    );
  refusals.push(...capabilityRefusals(capabilities));
  if (type !== PONTOON) return refusals;
  const refusal = refusalOf(entry, head);
  if (refusal === undefined) return refusals;
  // An ADD tells of an unsupported key only when all else is right.
  const unsupported =
    refusal.kind === "unsupportedField"
      ? []
      : caught(() => refuseUnsupported(normaliseKeys(entry, { externalSetMarkChain: true }) as Fields));
  return [...refusals, refusal, ...unsupported];
}

/** Capabilities are true or false; libcni refuses any other value. */
function capabilityRefusals(capabilities: unknown): CniError[] {
  if (capabilities === undefined || capabilities === null) return [];
  if (!isFields(capabilities))
    return [wrong("capabilities", 'capabilities: must be an object, as in { "portMappings": true }')];
  return Object.entries(capabilities)
    .filter(([, value]) => typeof value !== "boolean" && value !== null)
    .map(([key, value]) => {
      const path = pathBelow("capabilities", key);
      return wrong(path, `${path} ${quote(value)}: must be true or false, without quotes`);
    });
}

function caught(action: () => unknown): CniError[] {
  try {
    action();
    return [];
  } catch (error) {
    if (error instanceof CniError) return [error];
    throw error;
  }
}

function wrong(path: string, text: string, hint?: string): CniError {
  return new CniError("invalidConfig", { message: text, hint, problems: [{ path, text, hint }] });
}
