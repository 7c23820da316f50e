// buildah with a store of a test's own, so that images of the machine and of other tests are not seen.
import { join } from "node:path";
import { toolPath } from "../support/tool.ts";

/** The beginning of a command line of buildah whose images and containers are in this folder. */
export function buildahIn(folder: string): string[] {
  const places = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
  return [toolPath("buildah"), ...places, "--storage-driver", "vfs"];
}
