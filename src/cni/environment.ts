// The CNI_* environment variables (CNI specification 1.1.0, "Parameters"), checked like the Go skeleton does.
import { CniError } from "./error.ts";
import { byteLength, hasWhiteSpace, isPlainName } from "./name.ts";

export type Verb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

export interface Environment {
  verb: Verb;
  /** Empty for verbs without an attachment (GC, STATUS, VERSION); so are the next three. */
  containerId: string;
  /** CNI_NETNS as given; may be empty for DEL. */
  namespacePath: string;
  interfaceName: string;
  /** CNI_ARGS. Hints only: a runtime may put keys for other plugins there. */
  args: Map<string, string>;
  /** The directories of CNI_PATH. */
  pluginPath: string[];
  /** CNI_NETNS_OVERRIDE: the caller's own namespace is a legal CNI_NETNS. */
  allowOwnNamespace: boolean;
}

/** The names of the variables that {@link parseEnvironment} reads. */
export const VARIABLES = [
  "CNI_COMMAND",
  "CNI_CONTAINERID",
  "CNI_NETNS",
  "CNI_IFNAME",
  "CNI_ARGS",
  "CNI_PATH",
  "CNI_NETNS_OVERRIDE",
] as const;

const VERBS: readonly string[] = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] satisfies Verb[];

/**
 * The environment of a call with CNI_COMMAND set. Throws CniError 4 with the Go skeleton's message: a wrong
 * value is reported before missing values, which are reported together.
 */
export function parseEnvironment(env: Record<string, string | undefined>): Environment {
  const verb = parseVerb(env["CNI_COMMAND"] ?? "");
  const hasAttachment = verb === "ADD" || verb === "DEL" || verb === "CHECK";
  const missing: string[] = [];
  const required = (name: string): string => {
    const value = env[name] ?? "";
    if (value === "") missing.push(name);
    return value;
  };

  const containerId = hasAttachment ? required("CNI_CONTAINERID") : "";
  if (containerId !== "") checkContainerId(containerId);
  const namespacePath =
    verb === "ADD" || verb === "CHECK"
      ? required("CNI_NETNS")
      : verb === "DEL"
        ? (env["CNI_NETNS"] ?? "")
        : "";
  const interfaceName = hasAttachment ? required("CNI_IFNAME") : "";
  if (interfaceName !== "") checkInterfaceName(interfaceName);
  const pluginPath = verb === "VERSION" ? "" : required("CNI_PATH");
  if (missing.length > 0) {
    throw new CniError("badEnvironment", {
      message: `required env variables [${missing.join(",")}] missing`,
    });
  }
  const override = env["CNI_NETNS_OVERRIDE"] ?? "";
  return {
    verb,
    containerId,
    namespacePath,
    interfaceName,
    args: parseArgs(hasAttachment ? (env["CNI_ARGS"] ?? "") : ""),
    pluginPath: parsePath(pluginPath),
    allowOwnNamespace: override === "1" || override.toLowerCase() === "true",
  };
}

/** `namespace/name` of a Kubernetes pod, where the runtime said it in CNI_ARGS. */
export function podOf(args: ReadonlyMap<string, string>): string | undefined {
  const name = args.get("K8S_POD_NAME") ?? "";
  const namespace = args.get("K8S_POD_NAMESPACE") ?? "";
  if (name === "") return undefined;
  return namespace === "" ? name : `${namespace}/${name}`;
}

function parseVerb(text: string): Verb {
  if (VERBS.includes(text)) return text as Verb;
  throw new CniError("badEnvironment", {
    message: `unknown CNI_COMMAND: ${text}`,
    details: `CNI_COMMAND must be one of ${VERBS.join(", ")}, in upper case.`,
  });
}

function checkContainerId(id: string): void {
  if (isPlainName(id)) return;
  throw new CniError("badEnvironment", { message: "invalid characters in containerID", details: id });
}

function checkInterfaceName(name: string): void {
  const fail = (message: string, prefix = ""): never => {
    throw new CniError("badEnvironment", {
      message,
      details: `${prefix}CNI_IFNAME is ${JSON.stringify(name)}`,
    });
  };
  // The kernel counts bytes (IFNAMSIZ is 16 with the final zero), not characters.
  if (byteLength(name) > 15)
    fail("interface name is too long", "interface name should be less than 16 characters: ");
  if (name === "." || name === "..") fail("interface name is . or ..");
  if (name.includes("/") || name.includes(":") || hasWhiteSpace(name))
    fail("interface name contains / or : or whitespace characters");
}

/** The directories between the colons; Go would take an empty one for the working directory. */
function parsePath(text: string): string[] {
  const directories: string[] = [];
  for (const directory of text.split(":")) if (directory !== "") directories.push(directory);
  return directories;
}

/** The pod that CNI_ARGS names, as {@link podOf} has it. */
export function podInArgs(text: string): string | undefined {
  return podOf(parseArgs(text));
}

/**
 * CNI_ARGS without its errors: unreadable parts are skipped, since keys for other plugins arrive here too. Of
 * a repeated key the last counts.
 */
function parseArgs(text: string): Map<string, string> {
  const args = new Map<string, string>();
  for (const pair of text.split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0) args.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return args;
}
