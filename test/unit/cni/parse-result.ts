import { Problems } from "../../../src/cni/problems.ts";
import type { Result } from "../../../src/cni/result.ts";
import { readResult } from "../../../src/cni/result-parse.ts";

/** The result that `value` says. Throws code 7 that names each wrong value below `path`. */
export function parseResult(value: unknown, path: string): Result {
  const problems = new Problems();
  const result = readResult(value, path, problems);
  problems.throwIfAny(path);
  return result;
}
