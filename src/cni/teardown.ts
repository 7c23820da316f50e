// The little that DEL and GC need of a configuration.
import type { Result } from "./result.ts";
import type { Version } from "./version.ts";

/**
 * What taking away needs. The configuration may have been edited since ADD, so values that cannot be used are replaced
 * by their defaults and ranges are not looked at.
 */
export interface TeardownConfig {
  cniVersion: Version;
  name: string;
  bridge: string;
  /** Absolute path. */
  dataDir: string;
  /** Undefined as well when it cannot be read. */
  prevResult: Result | undefined;
}
