// A network list as a runtime reads it from a file: libcni 1.3 (libcni/conf.go) is the judge.

import { CniError } from "../cni/error.ts";
import { parseJson } from "../cni/json.ts";
import { type Fields, isFields } from "../cni/keys.ts";
import { isPlainName } from "../cni/name.ts";
import { quote } from "../cni/problems.ts";
import { compareVersions, NEWEST_VERSION, SUPPORTED_VERSIONS, type Version } from "../cni/version.ts";
import { unreadable } from "../failure/failure.ts";
import { SystemError } from "../sys/errno.ts";
import { listDirectory, readFileText } from "../sys/file.ts";
import { baseName, folderOf } from "../sys/path.ts";
import { fileStatus } from "../sys/status.ts";

/** A network list: the plugins of a network, in the order of an ADD. */
export interface NetworkList {
  name: string;
  /** The version by which the plugins are called: as written, or the newest of `cniVersions`. */
  cniVersion: string;
  disableCheck: boolean;
  disableGc: boolean;
  plugins: Fields[];
  /** The content of the file, as libcni keeps it in its cache. */
  text: string;
}

/** The oldest version, which a list without a version has. */
const OLDEST: Version = SUPPORTED_VERSIONS[0];

/**
 * Reads a network list (.conflist), or a single configuration, which is a list of one plugin. Throws CniError
 * 5 when the file cannot be read, code 6 or 7 with the file's name when it is no such list.
 */
export function readNetworkList(path: string): NetworkList {
  const text = readText(path);
  return inFile(path, () => {
    const list = parseNetworkList(text);
    if (!readFlag(fieldsOf(text), "loadOnlyInlinedPlugins"))
      list.plugins.push(...pluginsBeside(folderOf(path), list.name));
    if (list.plugins.length === 0) throw invalid("it names no plugins", "Give it a list of plugins");
    return list;
  });
}

/**
 * Finds the network of that name in a folder, as libcni does: the first .conflist by name, else the first
 * .conf or .json. A file that cannot be read does not hide the others. Throws CniError 7 when there is none.
 */
export function findNetworkList(folder: string, name: string): NetworkList {
  const broken: CniError[] = [];
  for (const path of candidatesIn(folder)) {
    try {
      const list = readNetworkList(path);
      if (list.name === name) return list;
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      broken.push(error);
    }
  }
  throw new CniError("invalidConfig", {
    message: `there is no network ${quote(name)} in ${folder}`,
    cause: broken.length === 0 ? undefined : broken.map(({ message }) => message).join("; "),
    hint: "Give the path of the network's file, or the folder of networks with --conf-dir",
  });
}

/** The network list in a text. Throws CniError 6 or 7. */
export function parseNetworkList(text: string): NetworkList {
  const fields = fieldsOf(text);
  const { name, plugins } = fields;
  if (typeof name !== "string" || !isPlainName(name))
    throw invalid(
      name === undefined ? "it has no name" : `${quote(name)} is no network's name`,
      'Give it a "name" of letters, digits, dots, dashes and underscores',
    );
  if (plugins === undefined && typeof fields["type"] === "string") return listOfOne(name, fields);
  return {
    name,
    cniVersion: versionOf(fields),
    disableCheck: readFlag(fields, "disableCheck"),
    disableGc: readFlag(fields, "disableGC"),
    plugins: readPlugins(fields),
    text,
  };
}

/** The version of a list as one that exists, for comparisons: that of a list without one is the oldest. */
export function knownVersion({ cniVersion }: NetworkList): Version {
  if (cniVersion === "") return OLDEST;
  return SUPPORTED_VERSIONS.find((version) => version === cniVersion) ?? NEWEST_VERSION;
}

/** A single configuration as a list (libcni's ConfListFromConf). */
function listOfOne(name: string, plugin: Fields): NetworkList {
  const cniVersion = typeof plugin["cniVersion"] === "string" ? plugin["cniVersion"] : "";
  const text = JSON.stringify({ name, cniVersion, plugins: [plugin] });
  return { name, cniVersion, disableCheck: false, disableGc: false, plugins: [plugin], text };
}

/** The newest version of `cniVersion` and `cniVersions` that is not newer than this program. */
function versionOf({ cniVersion = "", cniVersions }: Fields): string {
  if (typeof cniVersion !== "string") throw invalid("cniVersion: must be a text", 'Write it as in "1.1.0"');
  if (cniVersions === undefined) return cniVersion;
  if (!Array.isArray(cniVersions)) throw invalid("cniVersions: must be a list", 'Write it as in ["1.1.0"]');
  const known = [...(cniVersions as unknown[]), cniVersion].flatMap((version) =>
    SUPPORTED_VERSIONS.filter((each) => each === version),
  );
  return known.sort(compareVersions).at(-1) ?? cniVersion;
}

/** A flag, which libcni takes as a text too. */
function readFlag(fields: Fields, key: string): boolean {
  const { [key]: value = false } = fields;
  if (typeof value === "boolean") return value;
  const text = typeof value === "string" ? value.toLowerCase() : "";
  if (text !== "true" && text !== "false")
    throw invalid(`${key} ${quote(value)}: must be true or false`, "Correct it, or take it out");
  return text === "true";
}

function readPlugins(fields: Fields): Fields[] {
  const { plugins } = fields;
  if (plugins === undefined) {
    if (readFlag(fields, "loadOnlyInlinedPlugins"))
      throw invalid("loadOnlyInlinedPlugins is true, and there are no plugins", "Give it a list of plugins");
    return [];
  }
  if (!Array.isArray(plugins) || plugins.length === 0)
    throw invalid("plugins: must be a list of plugins", 'Write it as in [{ "type": "pontoon" }]');
  return plugins.map((plugin: unknown, index) => checkPlugin(plugin, `plugins[${index}]`));
}

function checkPlugin(plugin: unknown, place: string): Fields {
  if (!isFields(plugin) || typeof plugin["type"] !== "string" || plugin["type"] === "")
    throw invalid(`${place}: names no plugin`, 'Write it as in { "type": "pontoon" }');
  return plugin;
}

/** The plugins in files of the folder that has the network's name, beside its list. */
function pluginsBeside(folder: string, network: string): Fields[] {
  return filesIn(`${folder}/${network}`, [".conf"]).map((path) =>
    inFile(path, () => checkPlugin(parseJson(readText(path)), "it")),
  );
}

/** The files that may have a network, in the order in which libcni asks them. */
function candidatesIn(folder: string): string[] {
  return [...filesIn(folder, [".conflist"]), ...filesIn(folder, [".conf", ".json"])];
}

function filesIn(folder: string, endings: readonly string[]): string[] {
  return listDirectory(folder)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => `${folder}/${name}`)
    .filter((path) => fileStatus(path)?.kind !== "directory");
}

function fieldsOf(text: string): Fields {
  const value = parseJson(text);
  if (isFields(value)) return value;
  throw invalid("it is no network configuration, which is an object", "Give it a .conflist or .conf file");
}

function readText(path: string): string {
  try {
    return readFileText(path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw unreadable(path, error);
  }
}

/** The result of `action`; an error that it throws names the file. */
function inFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof CniError) || error.message.includes(baseName(path))) throw error;
    throw new CniError(
      error.kind,
      { ...error.parts, message: `${path}: ${error.message}` },
      { cause: error },
    );
  }
}

function invalid(message: string, hint: string): CniError {
  return new CniError("invalidConfig", { message, hint });
}
