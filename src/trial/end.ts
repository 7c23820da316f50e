// The end of a trial that somebody asks for.
import { CniError } from "../cni/error.ts";
import { isInterrupted } from "../sys/interrupts.ts";

/** Throws CniError when a signal has asked for the end. */
export function endIfInterrupted(): void {
  if (isInterrupted()) throw new CniError("tryAgainLater", { message: "the trial was interrupted" });
}
