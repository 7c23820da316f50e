// The agent's log: one line for each thing that happened, with a code that does not change between versions.

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Values that a line has beside its sentence. */
export type Fields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** Where sentences go. `code` names the kind of event for programs; docs/kubernetes.md lists them. */
export interface Log {
  debug(code: string, msg: string, fields?: Fields): void;
  info(code: string, msg: string, fields?: Fields): void;
  warn(code: string, msg: string, fields?: Fields): void;
  error(code: string, msg: string, fields?: Fields): void;
}

/** How lines look, and from which level on they are written. */
export interface LogFormat {
  level: Level;
  format: "json" | "text";
}

/** A log whose lines go to `write`, each with its line end. */
export function openLog({ level, format }: LogFormat, write: (line: string) => void): Log {
  const least = LEVELS.indexOf(level);
  const lineOf = format === "json" ? jsonLine : textLine;
  const at =
    (each: Level) =>
    (code: string, msg: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(each) < least) return;
      write(`${lineOf({ time: new Date().toISOString(), level: each, msg, code, ...fields })}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

type Line = { time: string; level: Level; msg: string; code: string } & Fields;

function jsonLine(line: Line): string {
  return JSON.stringify(line);
}

function textLine({ time, level, msg, code, ...fields }: Line): string {
  const more = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${JSON.stringify(value)}`],
  );
  return [time, level.toUpperCase().padEnd(5), code, oneLine(msg), ...more].join(" ");
}

/** Texts come from other programs too: a line of the log stays one line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ");
}
