// Somebody who is told of each request to the kernel: a trace of a call has them.
import { errnoName } from "../sys/errno.ts";
import type { Outcome } from "./outcome.ts";

/** Somebody who is told of each request and of its end: `ok`, or the name of the error. */
export type Listener = (request: string, end: string) => void;

let listener: Listener | undefined;

/** From now on `hear` is told of each request of this process. */
export function listen(hear: Listener): void {
  listener = hear;
}

/** Tells the listener, if there is one, of these requests. Gives their outcomes. */
export function heard(requests: readonly { what: string }[], outcomes: Outcome[]): Outcome[] {
  if (listener === undefined) return outcomes;
  for (const [at, { what }] of requests.entries()) {
    const errno = outcomes[at]?.errno ?? 0;
    listener(what, errno === 0 ? "ok" : errnoName(errno));
  }
  return outcomes;
}

/** Tells the listener, if there is one, of a request for a list, and of its end. */
export function heardOfList(request: string, list: readonly unknown[] | undefined): void {
  listener?.(request, list === undefined ? "changed meanwhile" : `${list.length} answers`);
}
