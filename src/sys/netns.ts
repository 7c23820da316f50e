// Network namespaces: opening one, and doing something inside.
import { errnoName, errnoOf, SystemError } from "./errno.ts";
import { type FileHandle, O_NONBLOCK, O_RDONLY, openFile } from "./file.ts";
import { native } from "./native.ts";

// linux/sched.h
const CLONE_NEWNET = 0x40000000;

/** The namespace of the calling thread. `/proc/self` would be the first thread's. */
const OWN_NAMESPACE = "/proc/thread-self/ns/net";

/**
 * Opens the file at `path`. Whether it is a network namespace shows when it is entered: {@link inNamespace}.
 * Throws SystemError.
 */
export function openNamespace(path: string): FileHandle {
  // Without O_NONBLOCK the open of a FIFO in the place of a namespace would wait for ever.
  return openFile(path, O_RDONLY | O_NONBLOCK);
}

/** Opens the network namespace that this thread is in. Throws SystemError. */
export function openOwnNamespace(): FileHandle {
  return openFile(OWN_NAMESPACE, O_RDONLY);
}

/**
 * Runs `action` inside `namespace` and comes back to `home`, whatever happens. `action` must be synchronous:
 * a promise would go on after the return, if at all. If the way back fails the process says so on stderr and
 * ends by SIGABRT, since everything after it would hit the wrong namespace. Throws SystemError: EINVAL when
 * the file is no network namespace.
 */
export function inNamespace<T>(namespace: FileHandle, home: FileHandle, action: () => T): T {
  const entered = native.setns(namespace.fd, CLONE_NEWNET);
  if (entered < 0) throw refusal(-entered);
  try {
    return action();
  } finally {
    const returned = native.setns(home.fd, CLONE_NEWNET);
    if (returned < 0) native.abort(noWayBack(-returned));
  }
}

/** No JSON: this is said on stderr, which runtimes show when stdout is empty. */
function noWayBack(code: number): string {
  return `pontoon: ended itself in the pod's namespace, because the kernel refused the way back to the host's: ${errnoName(code)}. DEL clears away what the call had begun\n`;
}

function refusal(code: number): SystemError {
  return new SystemError(
    "enter the namespace",
    code,
    code === errnoOf("EINVAL") ? "the file is not a network namespace" : "",
  );
}
