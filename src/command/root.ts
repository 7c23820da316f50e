// The right of a command to change the node.
import { CniError } from "../cni/error.ts";
import { native } from "../sys/native.ts";

/** Throws CniError 5 unless the process is root's. `command` is the command line without the program's name. */
export function requireRoot(what: string, command: string): void {
  if (native.geteuid() === 0) return;
  throw new CniError("ioFailure", {
    message: `only root may ${what}`,
    hint: `Run it as root, as in "sudo pontoon ${command}"`,
  });
}
