// The verbs over all plugins of a network list, as libcni 1.3 does them (libcni/api.go).

import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { valueOf } from "../cni/json.ts";
import { type Fields, isFields } from "../cni/keys.ts";
import { Problems } from "../cni/problems.ts";
import { formatResult } from "../cni/result-format.ts";
import { readResult } from "../cni/result-parse.ts";
import type { ValidAttachment } from "../cni/teardown.ts";
import { compareVersions, versionOrNewest } from "../cni/version.ts";
import { collectErrors } from "../failure/failure.ts";
import { shown } from "../terminal/terminal.ts";
import { type CachedAttachment, listCache, readCache, removeCache, writeCache } from "./cache.ts";
import { knownVersion, type NetworkList } from "./network-list.ts";
import { type Attachee, callPlugin, NO_ATTACHEE, placeOfPlugin, shownPlace } from "./plugin-call.ts";

/** The network list of a call, and the folders of its plugins. */
export interface Chain {
  list: NetworkList;
  folders: readonly string[];
}

/** An attachment for which the plugins are called, with the arguments for capabilities. */
export interface Asked extends Attachee {
  capabilities: Fields;
}

/** The key of an attachment in the network of a list. */
export function keyIn({ list }: Chain, { containerId, interfaceName }: Attachee): AttachmentKey {
  return { network: list.name, containerId, interfaceName };
}

/** The capabilities that a plugin of the list declares. */
export function declaredCapabilities({ plugins }: NetworkList): Set<string> {
  return new Set(
    plugins.flatMap(({ capabilities }) =>
      isFields(capabilities) ? Object.keys(capabilities).filter((name) => capabilities[name] === true) : [],
    ),
  );
}

/**
 * ADD of every plugin in order, each with the result of the one before it; the cache then has the result,
 * which is given. Throws CniError of the first plugin that failed; those before it are not taken back, as a
 * runtime sends DEL then.
 */
export function addChain(chain: Chain, asked: Asked): Fields {
  const { list } = chain;
  let result: Fields | undefined;
  for (const plugin of list.plugins) {
    const config = { ...configOf(chain, plugin, asked), ...(result && { prevResult: result }) };
    const stdout = callPlugin({ ...callOf(chain, plugin, asked), verb: "ADD", config });
    result = readAnswer(stdout, plugin, list.cniVersion);
  }
  const { namespacePath, args, capabilities } = asked;
  const whole = result ?? {};
  const key = keyIn(chain, asked);
  writeCache({ key, list: list.text, namespacePath, args, capabilities, result: whole });
  return whole;
}

/**
 * CHECK of every plugin in order, with the result of the cache. False when the list switches CHECK off.
 * Throws CniError of the first plugin that is not content.
 */
export function checkChain(chain: Chain, asked: Asked): boolean {
  const { list } = chain;
  if (compareVersions(knownVersion(list), "0.4.0") < 0)
    throw new CniError("incompatibleVersion", {
      message: `version ${list.cniVersion === "" ? "0.1.0" : shown(list.cniVersion)} of the list has no CHECK`,
      hint: 'Set "cniVersion" to 0.4.0 or newer',
    });
  if (list.disableCheck) return false;
  const remembered = cachedResult(chain, asked);
  for (const plugin of list.plugins) {
    const config = { ...configOf(chain, plugin, asked), ...remembered };
    callPlugin({ ...callOf(chain, plugin, asked), verb: "CHECK", config });
  }
  return true;
}

/**
 * DEL of every plugin, the last one first, with the result of the cache; then the cache forgets the
 * attachment. Throws CniError of the first plugin that failed; the cache keeps the attachment then.
 */
export function delChain(chain: Chain, asked: Asked): void {
  for (const del of delsOf(chain, asked)) del();
  removeCache(keyIn(chain, asked));
}

/**
 * DEL of every plugin as {@link delChain} does it, but one that fails stops no other. Gives the errors; the
 * cache keeps the attachment when there are any.
 */
export function delWholeChain(chain: Chain, asked: Asked): CniError[] {
  const errors = collectErrors(delsOf(chain, asked));
  return errors.length > 0 ? errors : collectErrors([() => void removeCache(keyIn(chain, asked))]);
}

/** The calls of a DEL, the last plugin first. */
function delsOf(chain: Chain, asked: Asked): (() => void)[] {
  const { list } = chain;
  const remembered = compareVersions(knownVersion(list), "0.4.0") < 0 ? {} : cachedResult(chain, asked);
  return list.plugins.toReversed().map((plugin) => () => {
    const config = { ...configOf(chain, plugin, asked), ...remembered };
    callPlugin({ ...callOf(chain, plugin, asked), verb: "DEL", config });
  });
}

/** The outcome of a GC: the attachments that were taken down, and what failed. */
export interface Collected {
  removed: AttachmentKey[];
  errors: CniError[];
}

/**
 * GC: DEL of every attachment of the network that the cache knows and `valid` does not have; then, from
 * version 1.1.0 on, GC of every plugin with that list. A part that fails stops no other. Undefined when the
 * list switches GC off.
 */
export function gcChain(chain: Chain, valid: readonly ValidAttachment[]): Collected | undefined {
  const { list } = chain;
  if (list.disableGc) return undefined;
  const removed: AttachmentKey[] = [];
  const stale = listCache().filter(({ key }) => key.network === list.name && !isAmong(key, valid));
  const errors = collectErrors(
    stale.map((cached) => () => {
      delChain(chain, askedOf(cached));
      removed.push(cached.key);
    }),
  );
  if (compareVersions(knownVersion(list), "1.1.0") < 0) return { removed, errors };
  const attachments = valid.map(({ containerId, interfaceName }) => ({
    containerID: containerId,
    ifname: interfaceName,
  }));
  const listed = { "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments };
  errors.push(
    ...collectErrors(
      list.plugins.map((plugin) => () => callForNetwork(chain, plugin, { verb: "GC", more: listed })),
    ),
  );
  return { removed, errors };
}

/**
 * STATUS of every plugin in order. False for a list before 1.1.0, which has no STATUS. Throws CniError of the
 * first plugin that is not ready.
 */
export function statusOfChain(chain: Chain): boolean {
  if (compareVersions(knownVersion(chain.list), "1.1.0") < 0) return false;
  for (const plugin of chain.list.plugins) callForNetwork(chain, plugin, { verb: "STATUS" });
  return true;
}

/** A plugin of a list: its name, its file, and the versions that it says it knows. */
export interface PluginVersions {
  type: string;
  path: string;
  versions: string[];
}

/** VERSION of every plugin. Throws CniError of the first one that is missing or answers nothing. */
export function versionsOfChain({ list, folders }: Chain): PluginVersions[] {
  return list.plugins.map((plugin) => {
    const type = typeOf(plugin);
    const config = { cniVersion: list.cniVersion };
    const stdout = callPlugin({ verb: "VERSION", type, folders, config, attachee: NO_ATTACHEE });
    const { supportedVersions } = readAnswer(stdout, plugin, list.cniVersion);
    const versions = Array.isArray(supportedVersions)
      ? supportedVersions.map((each) => shown(String(each)))
      : [];
    return { type, path: shownPlace(placeOfPlugin(type, folders)), versions };
  });
}

/** The call for an attachment that the cache knows, with the arguments of its ADD. */
export function askedOf({ key, namespacePath, args, capabilities }: CachedAttachment): Asked {
  const { containerId, interfaceName } = key;
  return { containerId, interfaceName, namespacePath, args, capabilities };
}

function isAmong({ containerId, interfaceName }: AttachmentKey, valid: readonly ValidAttachment[]): boolean {
  return valid.some((each) => each.containerId === containerId && each.interfaceName === interfaceName);
}

function typeOf({ type }: Fields): string {
  return typeof type === "string" ? type : "";
}

function callOf({ folders }: Chain, plugin: Fields, attachee: Attachee) {
  return { type: typeOf(plugin), folders, attachee };
}

/** A call about the network itself, with keys that the runtime adds to the configuration. */
interface NetworkCall {
  verb: "GC" | "STATUS";
  more?: Fields;
}

function callForNetwork(chain: Chain, plugin: Fields, { verb, more }: NetworkCall): void {
  const { name, cniVersion } = chain.list;
  const config = { ...plugin, name, cniVersion, ...more };
  callPlugin({ ...callOf(chain, plugin, NO_ATTACHEE), verb, config });
}

/**
 * The entry of a plugin with name and version of the list, and with the arguments for those capabilities that
 * the entry declares.
 */
function configOf({ list }: Chain, plugin: Fields, { capabilities }: Asked): Fields {
  const { name, cniVersion } = list;
  const declared = isFields(plugin["capabilities"]) ? plugin["capabilities"] : {};
  const given = Object.entries(capabilities).filter(([capability]) => declared[capability] === true);
  return {
    ...plugin,
    name,
    cniVersion,
    ...(given.length === 0 ? {} : { runtimeConfig: Object.fromEntries(given) }),
  };
}

/** The result of the cache for stdin, in the version of the list; nothing where the cache has none. */
function cachedResult(chain: Chain, asked: Asked): { prevResult?: Fields } {
  const result = readCache(keyIn(chain, asked))?.result;
  if (result === undefined) return {};
  const { cniVersion } = chain.list;
  if ((result["cniVersion"] ?? "") === cniVersion) return { prevResult: result };
  const problems = new Problems();
  const read = readResult(result, "prevResult", problems);
  if (!problems.isEmpty) return {};
  return { prevResult: JSON.parse(formatResult(read, versionOrNewest(cniVersion))) as Fields };
}

/** The object that a plugin printed; one without a version has that of the list. Throws CniError 6. */
function readAnswer(stdout: string, plugin: Fields, cniVersion: string): Fields {
  const type = shown(typeOf(plugin));
  const answer = valueOf(stdout);
  if (isFields(answer)) return (answer["cniVersion"] ?? "") === "" ? { ...answer, cniVersion } : answer;
  throw new CniError("undecodable", {
    message: `plugin ${type} printed no result`,
    cause: stdout.trim() === "" ? "it printed nothing" : `it printed ${shown(stdout.trim().slice(0, 200))}`,
    hint: "Look at what this plugin is",
  });
}
