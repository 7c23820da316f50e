// IPAM by another plugin (CNI specification 1.1.0, section 4): `static`, `dhcp`, the Go `host-local` and any
// other. It gets Pontoon's own environment and configuration; its refusals are passed on in its own words.

import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Verb } from "../cni/environment.ts";
import { CniError } from "../cni/error.ts";
import { valueOf } from "../cni/json.ts";
import { type Fields, isFields, normaliseKeys } from "../cni/keys.ts";
import { wholeEnvironment } from "../sys/environment.ts";
import { SystemError } from "../sys/errno.ts";
import { endText } from "../tool/execution.ts";
import { findPlugin, isThisProgram, runPlugin } from "../tool/plugin.ts";
import type { Outcome } from "../tool/program.ts";
import { explainedError } from "./failure.ts";

/** The IPAM plugin of a call. */
export interface ForeignIpam extends Pick<ForeignIpamCall, "stdin" | "onBehalfOf"> {
  /** `ipam.type`: a name to look for, or an absolute path. */
  name: string;
  path: string;
}

/** The input to find and run the IPAM plugin of a configuration. */
export interface ForeignIpamCall {
  pluginPath: readonly string[];
  /** The configuration as Pontoon got it. */
  stdin: string;
  /** Needed where our own caller named no attachment. */
  onBehalfOf?: OnBehalfOf | undefined;
}

/**
 * The attachment of a call where Pontoon's own caller named none: a GC has the addresses of a dead attachment
 * given back.
 */
export type OnBehalfOf = Pick<AttachmentKey, "containerId" | "interfaceName">;

/** Finds the IPAM plugin of that name. Throws CniError ipamPlugin when there is none. */
export function findIpam(name: string, { pluginPath, stdin, onBehalfOf }: ForeignIpamCall): ForeignIpam {
  const path = findPlugin(name, pluginPath);
  if (path === undefined) throw missing(name, pluginPath);
  if (isThisProgram(path)) throw calledItself(name, path);
  return { name, path, stdin, onBehalfOf };
}

/**
 * Runs the plugin for a verb and gives its output. The caller holds no lock: the plugin may take any time,
 * and may take the lock itself. Throws CniError: the plugin's own code, message and details, or ipamPlugin
 * when it printed none.
 */
export function callIpam(ipam: ForeignIpam, verb: Verb): string {
  const outcome = run(ipam, verb);
  if (outcome.status === 0) return outcome.stdout;
  throw errorObject(outcome.stdout) ?? wordless(ipam.name, verb, outcome);
}

function run({ name, path, stdin, onBehalfOf }: ForeignIpam, verb: Verb): Outcome {
  // The dead attachment's namespace may be another pod's by now.
  const named = onBehalfOf && {
    CNI_CONTAINERID: onBehalfOf.containerId,
    CNI_IFNAME: onBehalfOf.interfaceName,
    CNI_NETNS: "",
  };
  try {
    return runPlugin(path, { verb, stdin, env: { ...wholeEnvironment(), ...named } });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explainedError("ipamPlugin", `run ${name} ${verb}`, error);
  }
}

/** The error object that a plugin printed; undefined when it printed none. Key names are read as in Go. */
function errorObject(text: string): CniError | undefined {
  const value = valueOf(text);
  if (!isFields(value)) return undefined;
  const { code, msg, details } = normaliseKeys(value, { code: true, msg: true, details: true }) as Fields;
  if (typeof msg !== "string" || msg === "") return undefined;
  return new CniError("ipamPlugin", {
    code: Number.isSafeInteger(code) && (code as number) >= 0 ? (code as number) : undefined,
    message: msg,
    details: typeof details === "string" ? details : "",
  });
}

/** The error for a plugin that failed without an error object: it quotes the end of the plugin's stderr. */
function wordless(name: string, verb: Verb, outcome: Outcome): CniError {
  const { refusal, stdout, stderr } = outcome;
  const printed =
    stdout.trim() === ""
      ? "it printed no error object"
      : `it printed no error object but ${shortened(stdout)}`;
  return new CniError("ipamPlugin", {
    about: `${name} ${verb} ${endText(outcome)}`,
    cause:
      refusal !== undefined
        ? undefined
        : [printed, ...(stderr.trim() === "" ? [] : [`its last words: ${lastWords(stderr)}`])].join("; "),
    hint:
      refusal !== undefined
        ? "Install this IPAM plugin anew, as an executable for this machine"
        : "Look at what this IPAM plugin logs",
  });
}

const LAST_LINES = 3;
const LONGEST_QUOTE = 300;

function lastWords(stderr: string): string {
  return shortened(stderr.trim().split("\n").slice(-LAST_LINES).join(" | "));
}

/** The end of a text in quotes, without words that make go-cni take a failed DEL for a success (10.9). */
function shortened(text: string): string {
  const short = text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text;
  return JSON.stringify(
    short.replaceAll("not found", "not-found").replaceAll("no such file or directory", "no such file"),
  );
}

function missing(name: string, pluginPath: readonly string[]): CniError {
  const isPath = name.startsWith("/");
  return new CniError("ipamPlugin", {
    about: isPath ? `there is no file ${name}` : `there is no plugin ${JSON.stringify(name)} in CNI_PATH`,
    cause: isPath ? undefined : `looked in ${pluginPath.join(", ")}`,
    hint: `Install this IPAM plugin${isPath ? "" : " in one of these directories"}, or correct "type" in the ipam section`,
  });
}

function calledItself(name: string, path: string): CniError {
  return new CniError("ipamPlugin", {
    about: `${JSON.stringify(name)} is pontoon itself`,
    cause: `${path} is the program that is running; it gives addresses as "host-local" alone`,
    hint: 'Set "type" in the ipam section to "host-local", or to an IPAM plugin',
  });
}
