// One call of one plugin of a network list, as libcni makes it (containernetworking/cni 1.3, pkg/invoke).

import { PONTOON } from "../cni/about.ts";
import type { Verb } from "../cni/environment.ts";
import { CniError } from "../cni/error.ts";
import { valueOf } from "../cni/json.ts";
import { type Fields, isFields } from "../cni/keys.ts";
import { explain } from "../failure/failure.ts";
import { wholeEnvironment } from "../sys/environment.ts";
import { SystemError } from "../sys/errno.ts";
import { ownExecutable } from "../sys/path.ts";
import { shown } from "../terminal/terminal.ts";
import { endText, PATIENCE_MS } from "../tool/execution.ts";
import { findPlugin, runPlugin } from "../tool/plugin.ts";
import type { Outcome } from "../tool/program.ts";

/** The program that is running now, which is the plugin where a folder of plugins has none of its name. */
const THIS_PROGRAM = "/proc/self/exe";

/** The attachment of a call, as a runtime knows it. All are empty where a call is about the network. */
export interface Attachee {
  containerId: string;
  namespacePath: string;
  interfaceName: string;
  /** CNI_ARGS. */
  args: readonly (readonly [string, string])[];
}

/** A call for the network rather than for an attachment. */
export const NO_ATTACHEE: Attachee = { containerId: "", namespacePath: "", interfaceName: "", args: [] };

/** A call of a plugin. */
export interface PluginCall {
  verb: Verb;
  /** The plugin's name, `type` of its entry. */
  type: string;
  /** The folders in which plugins are. */
  folders: readonly string[];
  /** The configuration for its stdin. */
  config: Fields;
  attachee: Attachee;
}

/**
 * Runs a plugin and gives its stdout. Throws CniError with code, msg and details of the plugin and the
 * plugin's name, or with the reason why it gave none.
 */
export function callPlugin({ verb, type, folders, config, attachee }: PluginCall): string {
  const path = placeOfPlugin(type, folders);
  const outcome = run(path, { verb, stdin: JSON.stringify(config), env: environmentOf(attachee, folders) });
  if (outcome.status === 0) return outcome.stdout;
  throw refusalOf(type, verb, outcome);
}

/**
 * The path of a plugin: in the first folder that has it, or this program for its own name. Throws CniError 5
 * when there is none.
 */
export function placeOfPlugin(type: string, folders: readonly string[]): string {
  const path = findPlugin(type, folders) ?? (type === PONTOON ? THIS_PROGRAM : undefined);
  if (path !== undefined) return path;
  throw new CniError("ioFailure", {
    message: `there is no plugin "${shown(type)}" in ${folders.join(", ")}`,
    hint: "Install it there, or name its folder with --bin-dir",
  });
}

/** The place of a plugin as a person knows it. */
export function shownPlace(place: string): string {
  return place === THIS_PROGRAM ? ownExecutable() : place;
}

function environmentOf(
  { containerId, namespacePath, interfaceName, args }: Attachee,
  folders: readonly string[],
): Record<string, string> {
  return {
    ...wholeEnvironment(),
    CNI_CONTAINERID: containerId,
    CNI_NETNS: namespacePath,
    CNI_ARGS: args.map(([name, value]) => `${name}=${value}`).join(";"),
    CNI_IFNAME: interfaceName,
    CNI_PATH: folders.join(":"),
  };
}

function run(path: string, call: Parameters<typeof runPlugin>[1]): Outcome {
  try {
    return runPlugin(path, call);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explain("ioFailure", `run ${path}`, error);
  }
}

/** The failure of a plugin in its own words, which may be any text. */
function refusalOf(type: string, verb: Verb, outcome: Outcome): CniError {
  if (outcome.isOverdue) return overdue(type, verb);
  const said = valueOf(outcome.stdout);
  const { code, msg, details } = isFields(said) ? said : {};
  if (typeof msg === "string" && msg !== "")
    return new CniError("ioFailure", {
      code: typeof code === "number" ? code : undefined,
      message: `plugin ${shown(type)} refused ${verb} with code ${typeof code === "number" ? code : "?"}: ${line(msg)}`,
      details: typeof details === "string" ? line(details) : undefined,
    });
  const words = line(outcome.stderr.trim().split("\n").slice(-3).join("\n"));
  return new CniError("ioFailure", {
    message: `plugin ${shown(type)} ${endText(outcome)} at ${verb}, without an error object`,
    cause: words === "" ? undefined : `its last words: ${words}`,
  });
}

/** A plugin that had to be ended, since somebody has asked for the end and it went on. */
function overdue(type: string, verb: Verb): CniError {
  const patience = `after the interrupt it had ${PATIENCE_MS / 1000} s for its ${verb}`;
  return new CniError("tryAgainLater", { message: `plugin ${shown(type)} was ended: ${patience}` });
}

/** A text of a plugin on one line, as it may be shown. */
function line(text: string): string {
  return shown(text.trim().replaceAll(/\s*\n\s*/g, " | "));
}
