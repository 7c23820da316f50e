// The network configurations of a folder, as a container runtime finds them there.
import { listDirectory } from "../../sys/file.ts";
import { fileStatus } from "../../sys/status.ts";

/** The names in a folder: those of configurations as runtimes take them, one by one, and all others. */
export interface ConfigFolder {
  configurations: string[];
  others: string[];
}

/**
 * Reads a folder. containerd and CRI-O list it by libcni's ConfFiles (all but folders, by the ending of the
 * name), sort the names and take the first. Throws SystemError.
 */
export function readConfigFolder(folder: string): ConfigFolder {
  const configurations: string[] = [];
  const others: string[] = [];
  for (const name of listDirectory(folder).sort())
    (isConfiguration(folder, name) ? configurations : others).push(name);
  return { configurations, others };
}

/** The name of the first configuration in a folder; undefined when there is none. Throws SystemError. */
export function firstConfiguration(folder: string): string | undefined {
  return readConfigFolder(folder).configurations[0];
}

/** The path of a name in a folder. */
export function pathIn(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The endings of the names of configurations: of lists, and of single ones. */
const LIST_ENDINGS = [".conflist"];
const SINGLE_ENDINGS = [".conf", ".json"];

function isConfiguration(folder: string, name: string): boolean {
  const hasEnding = [...LIST_ENDINGS, ...SINGLE_ENDINGS].some((ending) => name.endsWith(ending));
  return hasEnding && fileStatus(pathIn(folder, name))?.kind !== "directory";
}

/** The endings of names by which a runtime finds a list, or a single configuration. */
export function endingsFor(isList: boolean): readonly string[] {
  return isList ? LIST_ENDINGS : SINGLE_ENDINGS;
}

/** True when a runtime finds a list, or a single configuration, by this name. */
export function isNameFor(name: string, isList: boolean): boolean {
  return endingsFor(isList).some((ending) => name.endsWith(ending));
}
