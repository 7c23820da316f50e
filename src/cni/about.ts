// The texts by which this program describes itself: to runtimes (VERSION), and to programs that probe it.
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from "./version.ts";

/** Put in by the build from package.json. */
declare const PONTOON_VERSION: string | undefined;

/** The plugin that this program is by its own name, and the one that it is when its file is called so. */
export const PONTOON = "pontoon";
export const LOOPBACK = "loopback";

/** The plugin that a program is which was started by this name; a path may stand in front. */
export function pluginOf(programName: string): typeof PONTOON | typeof LOOPBACK {
  return programName === LOOPBACK || programName.endsWith(`/${LOOPBACK}`) ? LOOPBACK : PONTOON;
}

/** The version of this program, without a leading `v`. */
export function programVersion(): string {
  return typeof PONTOON_VERSION === "string" ? PONTOON_VERSION : "0.0.0-dev";
}

/** The answer to VERSION, for stdout: compact, with the final newline that the Go skeleton prints. */
export function versionAnswer(): string {
  return `${JSON.stringify({ cniVersion: NEWEST_VERSION, supportedVersions: SUPPORTED_VERSIONS })}\n`;
}

/**
 * The answer of the plugin `name` to a call without CNI_COMMAND, for stderr. Programs read the first line
 * (nerdctl looks for `CNI <name> plugin v<semver>`), so its form is fixed.
 */
export function aboutText(name: string): string {
  return `CNI ${name} plugin v${programVersion()}\nCNI protocol versions supported: ${SUPPORTED_VERSIONS.join(", ")}\n`;
}
