// The plugin `loopback` of containernetworking/plugins v1.9.1, which containerd and CRI-O start for every pod
// before its networks. Pontoon is that plugin when it is called by that name.
import { versionAnswer } from "../cni/about.ts";
import { CniError } from "../cni/error.ts";
import { formatResult } from "../cni/result-format.ts";
import { openPod, openPodIfThere, ownNamespace } from "../host/namespace.ts";
import { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import { isLoopbackUp, lowerLoopback, raiseLoopback } from "./interface.ts";
import { type LoopbackRequest, type PodRequest, readLoopbackRequest } from "./request.ts";
import { loopbackResult } from "./result.ts";

/**
 * Does what a runtime asks by environment and stdin. Gives the text for stdout, which is empty for verbs
 * without an answer. Throws CniError.
 */
export function loopback(env: Record<string, string | undefined>, readStdin: () => string): string {
  const request = readLoopbackRequest(env, readStdin);
  switch (request.verb) {
    case "VERSION":
      return versionAnswer();
    case "GC":
    case "STATUS":
      // Nothing outlives a pod's namespace, and nothing can be missing.
      return "";
    default: {
      using node = Node.open();
      return answer(request, node);
    }
  }
}

function answer(request: LoopbackRequest & PodRequest, node: Node): string {
  const { namespacePath, allowOwnNamespace } = request;
  if (request.verb === "DEL") {
    using pod = openPodIfThere(namespacePath, node);
    if (pod !== undefined) lower(pod, allowOwnNamespace);
    return "";
  }
  using pod = openPod(namespacePath, allowOwnNamespace, node);
  if (request.verb === "ADD") {
    const addresses = raiseLoopback(pod.links);
    const result = request.prevResult ?? loopbackResult(addresses, namespacePath);
    return formatResult(result, request.cniVersion);
  }
  if (!isLoopbackUp(pod.links)) throw isDown();
  return "";
}

/** The reference takes down the node's own interface before it refuses its namespace. */
function lower(pod: Pod, allowOwnNamespace: boolean): void {
  if (pod.isHost && !allowOwnNamespace) throw ownNamespace(pod.path);
  lowerLoopback(pod.links);
}

function isDown(): CniError {
  return new CniError("checkFailed", {
    message: "loopback interface is down",
    hint: 'Find out who took it down; "ip link set lo up" inside the pod raises it',
  });
}
