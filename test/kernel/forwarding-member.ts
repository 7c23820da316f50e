// Switches forwarding on in the namespace and the mounts that it is started in. Says "done", or the error in
// one line.
import "../support/native.ts";
import { toCniError } from "../../src/cni/error.ts";
import { Attaching } from "../../src/host/attaching.ts";
import { forwarding } from "../../src/host/kind/forwarding/forwarding.ts";
import { Node } from "../../src/host/node.ts";
import { ATTACHMENT, BRIDGE_PLAN } from "./attach.ts";

try {
  using node = Node.open();
  using pod = node.openPod("/proc/self/ns/net");
  const on = new Attaching({ node, pod, mustGoOn: () => {} }, ATTACHMENT, BRIDGE_PLAN);
  forwarding.apply({ kind: "forwarding", families: [4, 6] }, on);
  console.log("done");
} catch (error) {
  const { code, message, details } = toCniError(error);
  console.log(`${code} ${message} ${details}`);
}
