// The final result of a chain of plugins, as the runtime keeps it: plugins behind Pontoon may have changed
// the pod's MAC, addresses and routes on purpose.
import type { Attachment } from "../attachment/attachment.ts";
import { CniError } from "../cni/error.ts";
import { parseJson } from "../cni/json.ts";
import { isFields } from "../cni/keys.ts";
import { Problems } from "../cni/problems.ts";
import type { Result } from "../cni/result.ts";
import { readResult } from "../cni/result-parse.ts";
import { findPodEnd, withResult } from "../plan/result.ts";
import { SystemError } from "../sys/errno.ts";
import { readTextOfAny } from "../sys/file.ts";

/** Where libcni keeps results (libcni/api.go, CacheDir and getCacheFilePath). */
const RESULTS = "/var/lib/cni/results";

/**
 * The attachment as the runtime's cached result tells it; the attachment itself where there is none to
 * read.
 */
export function withCachedResult(attachment: Attachment): Attachment {
  const { network, containerId, interfaceName } = attachment.key;
  const result = readCached(`${RESULTS}/${network}-${containerId}-${interfaceName}`);
  const end = result && findPodEnd(result, interfaceName);
  return result === undefined || end === undefined ? attachment : withResult(attachment, result, end);
}

function readCached(path: string): Result | undefined {
  try {
    const text = readTextOfAny(path);
    const cached = text === undefined ? undefined : parseJson(text);
    if (!isFields(cached) || !isFields(cached["result"]) || !Array.isArray(cached["result"]["ips"]))
      return undefined;
    const problems = new Problems();
    const result = readResult(cached["result"], "result", problems);
    return problems.isEmpty ? result : undefined;
  } catch (error) {
    if (error instanceof CniError || error instanceof SystemError) return undefined;
    throw error;
  }
}
