// The network configuration of a folder that a container runtime takes.
import { listDirectory } from "../../sys/file.ts";
import { fileStatus } from "../../sys/status.ts";
import { pathIn } from "./place.ts";

/**
 * The name of the first configuration in a folder; undefined when there is none. containerd and CRI-O list a
 * folder by libcni's ConfFiles (all but folders, by the ending of the name), sort the names and take the
 * first. Throws SystemError.
 */
export function firstConfiguration(folder: string): string | undefined {
  return listDirectory(folder)
    .filter((name) => /\.(conflist|conf|json)$/.test(name))
    .sort()
    .find((name) => fileStatus(pathIn(folder, name))?.kind !== "directory");
}
