// The network configurations of a folder, and the names that they need there.
import { listConfigurations } from "../../survey/folder.ts";
import { listDirectory } from "../../sys/file.ts";

/** The names in a folder: those of configurations as runtimes take them, one by one, and all others. */
export interface ConfigFolder {
  configurations: string[];
  others: string[];
}

/** Reads a folder. Throws SystemError. */
export function readConfigFolder(folder: string): ConfigFolder {
  const configurations = listConfigurations(folder);
  const known = new Set(configurations);
  return {
    configurations,
    others: listDirectory(folder)
      .filter((name) => !known.has(name))
      .sort(),
  };
}

/** The path of a name in a folder. */
export function pathIn(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The endings of the names of configurations: of lists, and of single ones. */
const LIST_ENDINGS = [".conflist"];
const SINGLE_ENDINGS = [".conf", ".json"];

/** The endings of names by which a runtime finds a list, or a single configuration. */
export function endingsFor(isList: boolean): readonly string[] {
  return isList ? LIST_ENDINGS : SINGLE_ENDINGS;
}

/** True when a runtime finds a list, or a single configuration, by this name. */
export function isNameFor(name: string, isList: boolean): boolean {
  return endingsFor(isList).some((ending) => name.endsWith(ending));
}
