import { CniError } from "../../src/cni/error.ts";
import { SystemError } from "../../src/sys/errno.ts";

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

/** The same for a SystemError. */
export function refusal(action: () => unknown): SystemError {
  try {
    action();
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
  throw new Error("This should have been refused.");
}
