import { CniError } from "../../src/cni/error.ts";

/** The CniError that `action` throws; anything else that it throws is passed on, and success is a failure of the test. */
export function failure(action: () => unknown): CniError {
  try {
    action();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("This should have failed.");
}
