import { CniError } from "../../../src/cni/error.ts";

/**
 * The CniError that `action` throws, as a runtime sees it. Anything else that is thrown, or nothing, fails
 * the test.
 */
export function failureOf(action: () => unknown): { code: number; msg: string; details: string } {
  try {
    action();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return { code: error.code, msg: error.message, details: error.details };
  }
  throw new Error("nothing was refused");
}
