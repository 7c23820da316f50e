// The folder of network configurations, as a container runtime reads it.
import { listDirectory } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";

/** The folders that runtimes read where nobody names others: network configurations, and plugins. */
export const CONFIGURATIONS = "/etc/cni/net.d";
export const EXECUTABLES = "/opt/cni/bin";

/**
 * The names of the configurations in a folder, in the order in which they count: containerd and CRI-O list a
 * folder by libcni's ConfFiles (all but folders, by the ending of the name), sort the names and take the
 * first that is valid; podman goes by the network's name. Throws SystemError.
 */
export function listConfigurations(folder: string): string[] {
  return listDirectory(folder)
    .filter((name) => /\.(conflist|conf|json)$/.test(name))
    .filter((name) => fileStatus(`${folder}/${name}`)?.kind !== "directory")
    .sort();
}
