// The result cache of libcni: one file for each attachment, which an ADD writes, CHECK and DEL read, and DEL
// removes. Runtimes and cnitool share it (containernetworking/cni 1.3, libcni/api.go, cachedInfo).

import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { valueOf } from "../cni/json.ts";
import { type Fields, isFields } from "../cni/keys.ts";
import {
  ensureDirectory,
  listDirectory,
  readTextOfAny,
  removeFile,
  renameFile,
  writeAnew,
} from "../sys/file.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/** The folder of the cache, libcni's CacheDir with `results` below it. */
const CACHE_FOLDER = "/var/lib/cni/results";

const KIND = "cniCacheV1";
/** The name of a file that is being written. It begins with a dot, which no network's name does. */
const UNFINISHED = ".pontoon.new";

/** What the cache keeps of an attachment. */
export interface CachedAttachment {
  key: AttachmentKey;
  /** The text of the network list. */
  list: string;
  /** CNI_NETNS as the runtime gave it; empty where the file does not tell. */
  namespacePath: string;
  /** CNI_ARGS. */
  args: readonly (readonly [string, string])[];
  /** The arguments for capabilities that the runtime gave. */
  capabilities: Fields;
  /** The result of the chain, in the version of its ADD. */
  result: Fields;
}

/** The path of an attachment's file. */
export function cachePath({ network, containerId, interfaceName }: AttachmentKey): string {
  return `${CACHE_FOLDER}/${network}-${containerId}-${interfaceName}`;
}

/** Writes the file of an attachment. Throws SystemError. */
export function writeCache(cached: CachedAttachment): void {
  const { key, list, namespacePath, args, capabilities, result } = cached;
  const text = JSON.stringify({
    kind: KIND,
    containerId: key.containerId,
    config: toBase64(list),
    ifName: key.interfaceName,
    networkName: key.network,
    ...(namespacePath === "" ? {} : { netns: namespacePath }),
    ...(args.length === 0 ? {} : { cniArgs: args }),
    ...(Object.keys(capabilities).length === 0 ? {} : { capabilityArgs: capabilities }),
    result,
  });
  ensureDirectory(CACHE_FOLDER, 0o700);
  writeAnew(`${CACHE_FOLDER}/${UNFINISHED}`, text);
  renameFile(`${CACHE_FOLDER}/${UNFINISHED}`, cachePath(key));
}

/** The file of an attachment; undefined when there is none that can be read. Throws SystemError. */
export function readCache(key: AttachmentKey): CachedAttachment | undefined {
  const cached = parseCache(readTextOfAny(cachePath(key)) ?? "");
  // Two keys may have one path, since their parts may hold dashes.
  return cached !== undefined && sameKey(cached.key, key) ? cached : undefined;
}

/** Removes the file of an attachment. False when there was none. Throws SystemError. */
export function removeCache(key: AttachmentKey): boolean {
  return removeFile(cachePath(key));
}

/** All attachments of the cache whose file can be read, by the names of the files. Throws SystemError. */
export function listCache(): CachedAttachment[] {
  return listDirectory(CACHE_FOLDER)
    .filter((name) => !name.startsWith("."))
    .sort()
    .flatMap((name) => {
      const cached = parseCache(readTextOfAny(`${CACHE_FOLDER}/${name}`) ?? "");
      // A file under another name than its own is nobody's: a removal by key would miss it.
      return cached === undefined || cachePath(cached.key) !== `${CACHE_FOLDER}/${name}` ? [] : [cached];
    });
}

function parseCache(text: string): CachedAttachment | undefined {
  const fields = valueOf(text);
  if (!isFields(fields) || fields["kind"] !== KIND) return undefined;
  const { containerId, config, ifName, networkName, netns, cniArgs, capabilityArgs, result } = fields;
  if (!isText(containerId) || !isText(ifName) || !isText(networkName)) return undefined;
  return {
    key: { network: networkName, containerId, interfaceName: ifName },
    list: (typeof config === "string" ? fromBase64(config) : undefined) ?? "",
    namespacePath: typeof netns === "string" ? netns : "",
    args: readArgs(cniArgs),
    capabilities: isFields(capabilityArgs) ? capabilityArgs : {},
    result: isFields(result) ? result : {},
  };
}

function readArgs(value: unknown): [string, string][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((pair: unknown) => {
    const [name, text] = Array.isArray(pair) ? (pair as unknown[]) : [];
    return typeof name === "string" && typeof text === "string" ? [[name, text] as [string, string]] : [];
  });
}

/** A text that may be part of a file's name. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("/");
}
