// Protocol versions: the list, their order, and the first version of each verb (CNI specification 1.1.0,
// "Version considerations").
import { CniError } from "./error.ts";

/** Every released protocol version, oldest first. */
export const SUPPORTED_VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export type Version = (typeof SUPPORTED_VERSIONS)[number];

export const NEWEST_VERSION: Version = "1.1.0";

/** The first version in which a verb exists; verbs that are not listed always existed. */
const FIRST_VERSION: { readonly [verb: string]: Version } = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };

/**
 * The configuration's version, if `verb` exists in it and Pontoon supports it. Throws CniError 6 for a
 * version that cannot be read and code 1 for all other refusals, in the order and with the messages of the Go
 * skeleton (skel.go, pluginMain).
 */
export function checkVersionGate(verb: string, configVersion: string): Version {
  const first = FIRST_VERSION[verb];
  if (first !== undefined) checkVerbExists(verb, first, parseVersion(configVersion));
  if (isSupported(configVersion)) return configVersion;
  const supported = SUPPORTED_VERSIONS.map((each) => `"${each}"`).join(" ");
  const meant = similarVersion(configVersion);
  throw new CniError("incompatibleVersion", {
    details: `config is ${JSON.stringify(configVersion)}, plugin supports [${supported}]${meant === undefined ? "" : `; did you mean "${meant}"?`}`,
    path: "cniVersion",
  });
}

/** The configuration's version if Pontoon supports it, else the newest one. */
export function versionOrNewest(version: unknown): Version {
  return typeof version === "string" && isSupported(version) ? version : NEWEST_VERSION;
}

/**
 * The version that a value stands for with parts left out (`1.0`, the number 1.1, `v1.0.0`), else the newest
 * one with the same major part; undefined when there is none.
 */
export function similarVersion(value: unknown): Version | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const parts = String(value).replace(/^v/i, "").split(".");
  const whole = [...parts, "0", "0"].slice(0, 3).join(".");
  if (isSupported(whole)) return whole;
  return SUPPORTED_VERSIONS.findLast((version) => version.split(".")[0] === parts[0]);
}

/**
 * The version for the answer to a configuration: the configuration's own, else the newest. Never throws,
 * since answers with errors need a version too.
 */
export function answerVersion(config: string): Version {
  let fields: unknown;
  try {
    fields = JSON.parse(config);
  } catch {
    return NEWEST_VERSION;
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return NEWEST_VERSION;
  const [, version] = Object.entries(fields).findLast(([key]) => key.toLowerCase() === "cniversion") ?? [];
  // A configuration without a version has version 0.1.0.
  if (version === undefined || version === null || version === "") return "0.1.0";
  return versionOrNewest(version);
}

/** Negative if `a` is older than `b`, 0 if they are equal, positive if newer. */
export function compareVersions(a: Version, b: Version): number {
  return SUPPORTED_VERSIONS.indexOf(a) - SUPPORTED_VERSIONS.indexOf(b);
}

function isSupported(version: string): version is Version {
  return (SUPPORTED_VERSIONS as readonly string[]).includes(version);
}

function checkVerbExists(verb: string, first: Version, wanted: number[]): void {
  if (compareNumbers(wanted, parseVersion(first)) < 0) {
    throw new CniError("incompatibleVersion", {
      message: `config version does not allow ${verb}`,
      hint: `Set cniVersion to ${first === NEWEST_VERSION ? first : `${first} or newer`}, or switch ${verb} off in the runtime`,
      path: "cniVersion",
    });
  }
  if (compareNumbers(wanted, parseVersion(NEWEST_VERSION)) > 0) {
    throw new CniError("incompatibleVersion", {
      message: `plugin version does not allow ${verb}`,
      hint: `Set cniVersion to ${NEWEST_VERSION}, the newest version that this plugin knows`,
      path: "cniVersion",
    });
  }
}

/** Major, minor and micro part; parts that are left out are 0. */
function parseVersion(version: string): number[] {
  const parts = version.split(".");
  if (parts.length <= 3 && parts.every((part) => /^[+-]?\d+$/.test(part))) return parts.map(Number);
  throw new CniError("undecodable", {
    message: `invalid version ${JSON.stringify(version)} in network config`,
    hint: `Set cniVersion to one of ${SUPPORTED_VERSIONS.join(", ")}`,
    path: "cniVersion",
  });
}

function compareNumbers(a: number[], b: number[]): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
