// Running another CNI plugin in our place (CNI specification 1.1.0, section 4, "Plugin Delegation").
import { fileIdentity } from "../sys/file.ts";
import { isFile } from "./path.ts";
import { type Outcome, runProgram } from "./program.ts";

/** What a delegated call is made of: all that our own caller gave us, but for the verb. */
export interface PluginCall {
  verb: string;
  /** Our own stdin. */
  stdin: string;
  /** Our own environment. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the plugin at `path` with the identical stdin and environment, of which only CNI_COMMAND is another.
 * Throws as runProgram does.
 */
export function runPlugin(path: string, { verb, stdin, env }: PluginCall): Outcome {
  return runProgram({ file: path, env: { ...env, CNI_COMMAND: verb }, stdin });
}

/**
 * The path of a plugin: the first of the directories that has a regular file (or a link to one) of that name,
 * executable or not, as libcni looks for it. An absolute path means exactly that file. Undefined when there
 * is none, and for any other name that would lead elsewhere.
 */
export function findPlugin(name: string, directories: readonly string[]): string | undefined {
  if (name.startsWith("/")) return isFile(name) ? name : undefined;
  if (name === "" || name.includes("/")) return undefined;
  return directories.map((directory) => `${directory}/${name}`).find(isFile);
}

/** True when the file at `path` is the program that is running now, by whatever name. */
export function isThisProgram(path: string): boolean {
  return fileIdentity(path) === fileIdentity("/proc/self/exe");
}
