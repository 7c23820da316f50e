import { CniError } from "../../src/cni/error.ts";
import { SystemError } from "../../src/sys/errno.ts";

/**
 * The CniError that `action` throws; anything else that it throws is passed on, and success is a failure of
 * the test.
 */
export const failure = (action: () => unknown): CniError => thrown(CniError, action);

/** The same for a SystemError. */
export const refusal = (action: () => unknown): SystemError => thrown(SystemError, action);

function thrown<Kind extends Error>(
  kind: abstract new (...of: never[]) => Kind,
  action: () => unknown,
): Kind {
  try {
    action();
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error(`This should have thrown a ${kind.name}.`);
}
