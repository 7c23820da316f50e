// Network namespaces with a name in /run/netns, as `ip netns` makes them (iproute2, ip/ipnetns.c).
import { check, errnoTable } from "./errno.ts";
import { ensureDirectory, type FileHandle, O_CREAT, O_EXCL, O_RDONLY, openFile, removeFile } from "./file.ts";
import { native } from "./native.ts";
import { inNamespace } from "./netns.ts";
import { fileStatus } from "./status.ts";

/** The folder of named namespaces. */
export const NAMED_NAMESPACES = "/run/netns";

// linux/sched.h, linux/mount.h
const CLONE_NEWNET = 0x40000000;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 0x100000;
const MNT_DETACH = 2;

const { EINVAL } = errnoTable;

/** The path of a named namespace. */
export function namedNamespace(name: string): string {
  return `${NAMED_NAMESPACES}/${name}`;
}

/**
 * Makes a new network namespace with a name, and comes back to `home`. The folder's mounts are shared, so
 * every mount namespace of the machine sees the name. Throws SystemError, EEXIST for a name that is taken.
 */
export function createNamedNamespace(name: string, home: FileHandle): string {
  ensureDirectory(NAMED_NAMESPACES);
  share();
  const path = namedNamespace(name);
  openFile(path, O_RDONLY | O_CREAT | O_EXCL, 0).close();
  try {
    // The thread enters its own namespace and comes back from the new one: inNamespace holds the way back.
    inNamespace(home, home, () => {
      check(native.unshare(CLONE_NEWNET), "make a network namespace");
      check(native.mount("/proc/thread-self/ns/net", path, "none", MS_BIND), `mount a namespace on ${path}`);
    });
  } catch (error) {
    removeFile(path);
    throw error;
  }
  return path;
}

/**
 * Takes the name from a namespace, which goes when no process is in it. False when there is no such name.
 * Throws SystemError.
 */
export function removeNamedNamespace(name: string): boolean {
  const path = namedNamespace(name);
  if (fileStatus(path) === undefined) return false;
  const result = native.umount(path, MNT_DETACH);
  // A file that nothing is mounted on is what a killed call has left.
  if (result !== -EINVAL) check(result, `unmount ${path}`);
  return removeFile(path);
}

/** Lets mounts in the folder reach all mount namespaces. Throws SystemError. */
function share(): void {
  const shared = (): number => native.mount("", NAMED_NAMESPACES, "none", MS_SHARED | MS_REC);
  const result = shared();
  if (result === 0) return;
  // EINVAL: the folder is no mount yet, and becomes one on itself.
  if (result !== -EINVAL) check(result, `share the mounts of ${NAMED_NAMESPACES}`);
  check(
    native.mount(NAMED_NAMESPACES, NAMED_NAMESPACES, "none", MS_BIND | MS_REC),
    `mount ${NAMED_NAMESPACES} on itself`,
  );
  check(shared(), `share the mounts of ${NAMED_NAMESPACES}`);
}
