// Looks at the node as an ADD does, in the namespace and the mounts that it is started in, for a network that
// sets a sysctl. Argument: the key of the sysctl. Says "seen", or the error in one line.
import "../support/native.ts";
import { toCniError } from "../../src/cni/error.ts";
import { Node } from "../../src/host/node.ts";
import { checkAllowList } from "../../src/look/allow-list.ts";
import { observe } from "../../src/look/observed.ts";
import { netconf } from "../unit/plan/input.ts";

const [key = ""] = process.argv.slice(2);
try {
  using node = Node.open();
  const sysctls = [{ key, name: key.replaceAll(".", "/"), value: "1" }];
  const tuning = { sysctls, txQueueLength: undefined, promiscuous: false, allMulticast: false };
  checkAllowList(tuning);
  observe(netconf({ tuning }), node.links);
  console.log("seen");
} catch (error) {
  const { code, message, details } = toCniError(error);
  console.log(`${code} ${message} ${details}`);
}
