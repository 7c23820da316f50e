// The container image. Its file system goes with the container: only folders mounted from the node stay.
import { CniError } from "../../cni/error.ts";
import { mountOf } from "../../sys/mount.ts";
import { native } from "../../sys/native.ts";

/**
 * True in a container of Pontoon's image. The image sets the variable (Dockerfile), so it is there for any
 * command of the container. A node that is itself a container, as in kind, does not have it.
 */
function isInImage(): boolean {
  return (native.getenv("PONTOON_IN_IMAGE") ?? "") !== "";
}

/** True when the folder would vanish with the container. Throws SystemError. */
export function isContainersOwn(folder: string): boolean {
  return isInImage() && mountOf(folder) === mountOf("/");
}

/** Throws CniError 5 when the folder would vanish with the container. `option` names another folder. */
export function refuseContainersOwn(folder: string, option: string): void {
  if (!isContainersOwn(folder)) return;
  throw new CniError("ioFailure", {
    message: `${folder} is the container's own, and would go with it`,
    hint: `Mount the node's folder there (a hostPath volume in Kubernetes), or name where it is mounted with ${option}`,
  });
}
