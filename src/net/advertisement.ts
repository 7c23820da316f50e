// Router advertisements at an interface, by the settings of the thread's namespace.
import { isErrno } from "../sys/errno.ts";
import { O_WRONLY, openFile } from "../sys/file.ts";
import { readSysctl, SYSCTL_ROOT } from "./sysctl.ts";

/**
 * True for an interface that takes addresses and routes from whoever calls itself a router, and that could be
 * told not to: where /proc/sys is read-only an ADD could not either. An interface that forwards listens with
 * `accept_ra` 2 alone. Throws SystemError.
 */
export function takesAdvertisements(name: string): boolean {
  const accept = readSysctl(`ipv6/conf/${name}/accept_ra`) ?? "0";
  if (accept === "0" || !isWritable(`ipv6/conf/${name}/accept_ra`)) return false;
  return accept !== "1" || readSysctl(`ipv6/conf/${name}/forwarding`) !== "1";
}

function isWritable(name: string): boolean {
  try {
    openFile(`${SYSCTL_ROOT}/${name}`, O_WRONLY).close();
    return true;
  } catch (error) {
    if (!isErrno(error, "EROFS", "EACCES", "EPERM")) throw error;
    return false;
  }
}
