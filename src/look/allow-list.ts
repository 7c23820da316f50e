// The administrator's list of allowed sysctls: the file of the reference `tuning`, a regular expression in
// each line. An expression matches where a part of the key matches, as with the reference; ^ and $ make it
// the whole key. Without the file all keys are allowed.
import { CniError } from "../cni/error.ts";
import type { TuningConfig } from "../cni/tuning.ts";
import { attempt } from "../failure/failure.ts";
import { isErrno } from "../sys/errno.ts";
import { readFileText } from "../sys/file.ts";

const ALLOW_LIST = "/etc/cni/tuning/allowlist.conf";

/**
 * Throws CniError 7 for a key that is not on the list, and for a line that is no regular expression;
 * SystemError when the file cannot be read.
 */
export function checkAllowList({ sysctls }: TuningConfig): void {
  const lines = sysctls.length === 0 ? undefined : readAllowList();
  if (lines === undefined) return;
  const allowed = lines.map(parseLine);
  const refused = sysctls.find(({ key }) => !allowed.some((pattern) => pattern.test(key)));
  if (refused === undefined) return;
  throw new CniError("invalidConfig", {
    about: `Sysctl ${refused.key} is not allowed. Only the following sysctls are allowed: [${lines.join(" ")}]`,
    hint: `Take it out of sysctl, or put it into ${ALLOW_LIST}, in the spelling of the configuration`,
  });
}

function readAllowList(): string[] | undefined {
  const text = attempt("ioFailure", ALLOW_LIST, () => {
    try {
      return readFileText(ALLOW_LIST);
    } catch (error) {
      if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }
  });
  return text
    ?.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function parseLine(line: string): RegExp {
  try {
    return new RegExp(line);
  } catch (error) {
    throw new CniError("invalidConfig", {
      about: `${ALLOW_LIST}: ${JSON.stringify(line)} is no regular expression`,
      cause: String(error),
      hint: "Correct the line",
    });
  }
}
