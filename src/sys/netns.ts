// Network namespaces: opening one, telling two apart, and doing something inside.
import { u32At } from "./bytes.ts";
import { check, SystemError } from "./errno.ts";
import { type FileHandle, handleStatus, O_NONBLOCK, O_RDONLY, openFile } from "./file.ts";
import { errno, libc } from "./libc.ts";

// linux/sched.h, linux/magic.h
const CLONE_NEWNET = 0x40000000;
const NSFS_MAGIC = 0x6e736673;
const PROC_SUPER_MAGIC = 0x9fa0;

/** The namespace of the calling thread. `/proc/self` would be the first thread's. */
const OWN_NAMESPACE = "/proc/thread-self/ns/net";

/** Opens the namespace at `path`. Throws SystemError; EINVAL when the file is no namespace at all. */
export function openNamespace(path: string): FileHandle {
  // Without O_NONBLOCK the open of a FIFO in the place of a namespace would wait for ever.
  const file = openFile(path, O_RDONLY | O_NONBLOCK);
  try {
    if (!isNamespace(file)) throw new SystemError(`open namespace ${path}`, 22, "the file is not a namespace");
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function isNamespace(file: FileHandle): boolean {
  // struct statfs: f_type is the first long.
  const buffer = new Uint8Array(256);
  if (libc.fstatfs(file.fd, buffer) !== 0) throw new SystemError("statfs", errno());
  const magic = u32At(buffer, 0);
  return magic === NSFS_MAGIC || magic === PROC_SUPER_MAGIC;
}

/** Opens the network namespace that this thread is in. Throws SystemError. */
export function openOwnNamespace(): FileHandle {
  return openFile(OWN_NAMESPACE, O_RDONLY);
}

/** True when both handles are of one and the same namespace. */
export function isSameNamespace(one: FileHandle, other: FileHandle): boolean {
  return handleStatus(one.fd).identity === handleStatus(other.fd).identity;
}

/**
 * Runs `action` inside `namespace` and comes back to `home`, whatever happens. `action` must be synchronous: a
 * promise would go on in another thread or after the return. If the way back fails the process ends, since
 * everything after it would hit the wrong namespace.
 */
export function inNamespace<T>(namespace: FileHandle, home: FileHandle, action: () => T): T {
  check(libc.setns(namespace.fd, CLONE_NEWNET), "enter the namespace");
  try {
    return action();
  } finally {
    if (libc.setns(home.fd, CLONE_NEWNET) !== 0) process.abort();
  }
}
