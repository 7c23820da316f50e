// Holds the lock at the path that is its argument until it is killed or its standard input ends.
import "../../support/native.ts";
import { openLock } from "../../../src/sys/flock.ts";
import { readAll } from "../../../src/sys/stream.ts";

using _lock = openLock(process.argv[2] ?? "", 1_000);
console.log("held");
readAll(0, "stdin");
