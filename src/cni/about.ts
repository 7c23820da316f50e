// What this program says about itself: to runtimes (VERSION), to programs that probe it, and to people.
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from "./version.ts";

/** Put in by the build from package.json. */
declare const PONTOON_VERSION: string | undefined;

/** The version of this program, without a leading `v`. */
export function programVersion(): string {
  return typeof PONTOON_VERSION === "string" ? PONTOON_VERSION : "0.0.0-dev";
}

/** The answer to VERSION, for stdout: compact, with the final newline that the Go skeleton prints. */
export function versionAnswer(): string {
  return `${JSON.stringify({ cniVersion: NEWEST_VERSION, supportedVersions: SUPPORTED_VERSIONS })}\n`;
}

/**
 * The answer to a call without CNI_COMMAND, for stderr. Programs read the first line (nerdctl looks for
 * `CNI <name> plugin v<semver>`), so its form is fixed.
 */
export function aboutText(): string {
  return `CNI pontoon plugin v${programVersion()}\nCNI protocol versions supported: ${SUPPORTED_VERSIONS.join(", ")}\n`;
}

/** What `--help` prints. */
export function helpText(): string {
  return `pontoon v${programVersion()}: a CNI plugin that gives a pod its network on a Linux bridge.

A container runtime starts this program. By hand there are two things to run:

  pontoon restore         puts back the packet rules of all running pods, after something flushed them (docs/restore.md)
  pontoon migrate FILE    prints a network configuration of the reference plugins (bridge and those behind it) with one entry
                          for Pontoon in their place, and notes on stderr; - is stdin (docs/migrate.md)

To set it up:

  1. Put the executable where the runtime looks for plugins:    /opt/cni/bin/pontoon
  2. Put a network configuration where it looks for networks:   /etc/cni/net.d/10-pontoon.conflist

     {
       "cniVersion": "1.0.0",
       "name": "pods",
       "plugins": [
         {
           "type": "pontoon",
           "isDefaultGateway": true,
           "ipMasq": true,
           "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.222.0.0/16" }]] }
         }
       ]
     }

The keys are those of the reference plugins bridge and host-local. Ready configurations for IPv4, IPv6 and both are
in cni-conf/, every key is explained in docs/configuration.md, every error in docs/errors.md.

CNI protocol versions supported: ${SUPPORTED_VERSIONS.join(", ")}
`;
}
