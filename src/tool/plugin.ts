// Other CNI plugins, run in the place of Pontoon (CNI specification 1.1.0, section 4, "Plugin Delegation").
import { fileIdentity } from "../sys/status.ts";
import { isFile } from "./path.ts";
import { type Outcome, runProgram } from "./program.ts";

/** The input of a delegated call: that of Pontoon's own call, but for the verb. */
export interface PluginCall {
  verb: string;
  /** The stdin of Pontoon's own call. */
  stdin: string;
  /** The environment of Pontoon's own call. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the plugin at `path` with this stdin and environment, in which only CNI_COMMAND is replaced. Throws as
 * runProgram does.
 */
export function runPlugin(path: string, { verb, stdin, env }: PluginCall): Outcome {
  return runProgram({ file: path, env: { ...env, CNI_COMMAND: verb }, stdin });
}

/**
 * The path of a plugin: in the first of the directories that has a regular file (or a link to one) of that
 * name, executable or not, as libcni looks for it. An absolute path means exactly that file. Undefined when
 * there is none, and for any other name that would lead elsewhere.
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
