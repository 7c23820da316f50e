// The environment of the process.
import { native } from "./native.ts";

/** Some variables of the environment, by name; one that is not set is not there. */
export function variables(...names: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = native.getenv(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** The whole environment: what a program that we run gets. */
export function wholeEnvironment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const variable of native.environment()) {
    const equals = variable.indexOf("=");
    // The first of two with the same name counts, as for getenv(3); without a "=" it is no variable.
    if (equals > 0) found[variable.slice(0, equals)] ??= variable.slice(equals + 1);
  }
  return found;
}
