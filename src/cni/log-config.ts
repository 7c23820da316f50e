// The log of calls for operators: the key `log`.
import { parseJson } from "./json.ts";
import { isFields } from "./keys.ts";
import { isUsablePath } from "./netconf-check.ts";
import type { Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/** The calls that are logged: those that fail, or all; with `debug` also how long each step took. */
export const LOG_LEVELS = ["error", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogConfig {
  /** Absolute path. */
  file: string;
  level: LogLevel;
  /** The network's name, where the configuration has one. */
  network?: string | undefined;
}

/** Reports wrong values of the key; the log itself is read by {@link logOf}. */
export function checkLog({ log }: Shape, problems: Problems): void {
  if (log === undefined) return;
  const { file, level } = log;
  if (file === undefined) problems.addAt("log.file", "is missing; give the path of a file");
  else if (!isUsablePath(file)) problems.add("log.file", file, "must be an absolute path");
  if (level !== undefined && !LOG_LEVELS.some((each) => each === level))
    problems.add("log.level", level, `must be one of ${LOG_LEVELS.map((each) => `"${each}"`).join(", ")}`);
}

/**
 * The log that a configuration asks for, whatever else is wrong with it: a call that is refused is logged
 * too. Undefined without one, and where the key cannot be used. Costs a search where there is none.
 */
export function logOf(text: string): LogConfig | undefined {
  if (!text.includes('"log"')) return undefined;
  try {
    const config = parseJson(text);
    const log = isFields(config) ? config["log"] : undefined;
    if (!isFields(log)) return undefined;
    const { file, level = "info" } = log;
    const known = LOG_LEVELS.find((each) => each === level);
    if (typeof file !== "string" || !isUsablePath(file) || known === undefined) return undefined;
    const { name } = config as { name?: unknown };
    return { file, level: known, network: typeof name === "string" ? name : undefined };
  } catch {
    return undefined;
  }
}
