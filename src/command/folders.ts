// The folders of plugins and networks that a person means.

import { findNetworkList, type NetworkList, readNetworkList } from "../runtime/network-list.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { native } from "../sys/native.ts";
import { absolutePath } from "../sys/path.ts";
import { fileStatus } from "../sys/status.ts";

/** The folders of plugins: as given, or those of CNI_PATH, or the usual one. */
export function pluginFolders(given: readonly string[] | undefined): string[] {
  const path = given === undefined ? (native.getenv("CNI_PATH") ?? "").split(":") : given;
  const folders = path.filter((folder) => folder !== "");
  return folders.length === 0 ? [EXECUTABLES] : folders;
}

/**
 * The network list of a file, or of a network's name in the folder of networks: a word with a slash, or that
 * of a file which is there, is a file. Throws CniError.
 */
export function networkListOf(word: string, confDir: string | undefined): NetworkList {
  if (word.includes("/") || fileStatus(word)?.kind === "file") return readNetworkList(absolutePath(word));
  const folder = confDir ?? (native.getenv("NETCONFPATH") || CONFIGURATIONS);
  return findNetworkList(folder, word);
}
