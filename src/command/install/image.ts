// Inside of the container image, whose file system goes with the container: only what is mounted from the node stays.
import { CniError } from "../../cni/error.ts";
import { mountOf } from "../../sys/mount.ts";
import { native } from "../../sys/native.ts";

/** Set by the image (Dockerfile), so it is there whatever command a container of it is started with. */
const VARIABLE = "PONTOON_IN_IMAGE";

/** True in a container of our image. A node may itself be a container, as in kind, and is none of these. */
export function isInImage(): boolean {
  return (native.getenv(VARIABLE) ?? "") !== "";
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
