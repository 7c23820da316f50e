// Opens the pipe at the path that is its argument, as a namespace and as a file in whose place anything may
// be. A process of its own: an open that waited could not be interrupted.
import "../../support/native.ts";
import { SystemError } from "../../../src/sys/errno.ts";
import { readTextOfAny } from "../../../src/sys/file.ts";
import { openNamespace } from "../../../src/sys/netns.ts";

const path = process.argv[2] ?? "";
try {
  openNamespace(path).close();
  console.log("opened");
} catch (error) {
  if (!(error instanceof SystemError)) throw error;
  console.log(error.message);
}
console.log(readTextOfAny(path) || "nothing");
