// The environment of the process.
import { native } from "./native.ts";

/** The set variables of the environment among `names`, by name. */
export function variables(...names: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = native.getenv(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** The whole environment, as programs that Pontoon runs get it. */
export function wholeEnvironment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const variable of native.environment()) {
    const equals = variable.indexOf("=");
    // The first of two equal names counts, as for getenv(3); a text without "=" is no variable.
    if (equals > 0) found[variable.slice(0, equals)] ??= variable.slice(equals + 1);
  }
  return found;
}
