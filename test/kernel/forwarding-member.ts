// Switches forwarding on in the namespace and the mounts that it is started in. Says "done", or the error in
// one line.
import "../support/native.ts";
import { toCniError } from "../../src/cni/error.ts";
import { Machine } from "../../src/host/machine.ts";
import { ensureForwarding } from "../../src/host/steps/forwarding.ts";

try {
  using machine = Machine.open();
  ensureForwarding({ kind: "forwarding", families: [4, 6] }, machine);
  console.log("done");
} catch (error) {
  const { code, message, details } = toCniError(error);
  console.log(`${code} ${message} ${details}`);
}
