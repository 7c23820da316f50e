// The request of a runtime to the plugin `loopback`. It reads no key of its own.
import { decodeConfig } from "../cni/decode.ts";
import { parseEnvironment } from "../cni/environment.ts";
import type { Fields, KeyTree } from "../cni/keys.ts";
import { Problems } from "../cni/problems.ts";
import type { Result } from "../cni/result.ts";
import { readResult } from "../cni/result-parse.ts";
import type { Version } from "../cni/version.ts";

/** The fields that requests about a pod share. The interface is `lo`, whatever CNI_IFNAME says. */
export interface PodRequest {
  /** CNI_NETNS exactly as given; may be empty for DEL. */
  namespacePath: string;
  /** True: Pontoon's own namespace is a legal CNI_NETNS. */
  allowOwnNamespace: boolean;
}

export type LoopbackRequest =
  | ({ verb: "ADD"; cniVersion: Version; prevResult: Result | undefined } & PodRequest)
  | ({ verb: "CHECK" | "DEL" } & PodRequest)
  | { verb: "GC" | "STATUS" | "VERSION" };

const KEYS: KeyTree = { cniVersion: true, name: true, prevResult: true };

/**
 * The request in environment and stdin; VERSION never reads stdin. Throws CniError: code 4 for the
 * environment, then as {@link decodeConfig} does, code 7 for a previous result of an ADD that cannot be read.
 */
export function readLoopbackRequest(
  env: Record<string, string | undefined>,
  readStdin: () => string,
): LoopbackRequest {
  const { verb, namespacePath, allowOwnNamespace } = parseEnvironment(env);
  if (verb === "VERSION") return { verb };
  const { cniVersion, name, fields } = decodeConfig(readStdin(), verb, { known: KEYS });
  if (verb === "GC" || verb === "STATUS") return { verb };
  const pod = { namespacePath, allowOwnNamespace };
  return verb === "ADD"
    ? { verb, ...pod, cniVersion, prevResult: prevResultOf(fields, name) }
    : { verb, ...pod };
}

function prevResultOf({ prevResult }: Fields, network: string): Result | undefined {
  if (prevResult === undefined || prevResult === null) return undefined;
  const problems = new Problems();
  const result = readResult(prevResult, "prevResult", problems);
  problems.throwIfAny(network);
  return result;
}
