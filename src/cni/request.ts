// The request of a runtime, read from environment and stdin and checked: one type per verb.
import type { AttachmentKey } from "./attachment-key.ts";
import { type Netconf, parseNetconf } from "./config.ts";
import { type Environment, parseEnvironment, podOf } from "./environment.ts";
import { CniError } from "./error.ts";
import { textForPlugins } from "./plugin-text.ts";
import type { Result } from "./result.ts";
import { parseTeardownConfig, type TeardownConfig, type ValidAttachment } from "./teardown.ts";

export type Request = AddRequest | CheckRequest | DelRequest | GcRequest | StatusRequest | VersionRequest;

/** The fields that requests of ADD, CHECK and DEL share. */
interface AttachmentRequest {
  key: AttachmentKey;
  /** CNI_NETNS exactly as given; may be empty for DEL. */
  namespacePath: string;
  /** CNI_ARGS. Hints only: a runtime may put keys for other plugins there. */
  args: ReadonlyMap<string, string>;
  /** `namespace/name` of a Kubernetes pod, where the runtime said it. */
  pod: string | undefined;
  /** True: Pontoon's own namespace is a legal CNI_NETNS. */
  allowOwnNamespace: boolean;
  pluginPath: string[];
  /** The configuration as it was read; a delegated plugin gets this text. */
  stdin: string;
}

export interface AddRequest extends AttachmentRequest {
  verb: "ADD";
  netconf: Netconf;
}

export interface CheckRequest extends AttachmentRequest {
  verb: "CHECK";
  netconf: Netconf & { prevResult: Result };
}

export interface DelRequest extends AttachmentRequest {
  verb: "DEL";
  config: TeardownConfig;
}

export interface GcRequest {
  verb: "GC";
  /** `validAttachments`: every attachment of this network that is not in the list is stale. */
  config: TeardownConfig & { validAttachments: ValidAttachment[] };
  pluginPath: string[];
  stdin: string;
}

export interface StatusRequest {
  verb: "STATUS";
  netconf: Netconf;
  pluginPath: string[];
  stdin: string;
}

export interface VersionRequest {
  verb: "VERSION";
}

/**
 * The request in environment and stdin. Throws CniError: for the environment before stdin is read, for the
 * configuration after that. VERSION never reads stdin.
 */
export function readRequest(env: Record<string, string | undefined>, readStdin: () => string): Request {
  const environment = parseEnvironment(env);
  const { verb, args, pluginPath } = environment;
  if (verb === "VERSION") return { verb };
  const stdin = readStdin();
  switch (verb) {
    case "ADD": {
      const netconf = parseNetconf(stdin, verb, args);
      return { verb, ...attachmentOf(environment, netconf.name, stdin), netconf };
    }
    case "CHECK": {
      const netconf = parseNetconf(stdin, verb, args);
      return {
        verb,
        ...attachmentOf(environment, netconf.name, stdin),
        netconf: { ...netconf, prevResult: required(netconf.prevResult) },
      };
    }
    case "DEL": {
      const config = parseTeardownConfig(stdin, verb);
      const text = config.foreignIpam === undefined ? stdin : textForPlugins(stdin);
      return { verb, ...attachmentOf(environment, config.name, text), config };
    }
    case "GC": {
      const config = parseTeardownConfig(stdin, verb);
      return {
        verb,
        config: { ...config, validAttachments: config.validAttachments ?? [] },
        pluginPath,
        stdin,
      };
    }
    case "STATUS":
      return { verb, netconf: parseNetconf(stdin, verb), pluginPath, stdin };
  }
}

/** CniError 5 for a stdin that cannot be read; `reason` is the system's word for the cause. */
export function unreadableStdin(reason: string): CniError {
  return new CniError("ioFailure", {
    message: `error reading from stdin: ${reason}`,
    hint: "Send the network configuration on stdin",
  });
}

function attachmentOf(environment: Environment, network: string, stdin: string): AttachmentRequest {
  const { containerId, interfaceName, namespacePath, args, allowOwnNamespace, pluginPath } = environment;
  return {
    key: { network, containerId, interfaceName },
    namespacePath,
    args,
    pod: podOf(args),
    allowOwnNamespace,
    pluginPath,
    stdin,
  };
}

function required(prevResult: Result | undefined): Result {
  if (prevResult !== undefined) return prevResult;
  throw new CniError("invalidConfig", {
    message: "Required prevResult missing",
    cause: "CHECK compares the attachment with the result of its ADD, which the runtime did not send",
    hint: "Add the container again, so that the runtime has a result to send",
  });
}
