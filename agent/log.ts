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

/** A while, in ms, in which a sentence and a code are said so often and no more. */
const WHILE_MS = 600_000;
const MOST_OF_SENTENCE = 5;
const MOST_OF_CODE = 1000;
/** Texts that are counted at a time; the oldest goes for one more. */
const MOST_COUNTED = 2000;

/**
 * A log whose lines go to `write`, each with its line end. A fault that lasts, or two programs that undo each
 * other's work, shall not fill the disk: what was said often within ten minutes is of level debug from then
 * on, and the next line of that sentence has their number as `unsaid`. `now` is in ms and never goes back.
 */
export function openLog(
  { level, format }: LogFormat,
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): Log {
  const least = LEVELS.indexOf(level);
  const lineOf = format === "json" ? jsonLine : textLine;
  const [sentences, codes] = [new Counted(now, MOST_OF_SENTENCE), new Counted(now, MOST_OF_CODE)];
  const say = (line: Line): void => write(`${lineOf(line)}\n`);
  const at =
    (each: Level) =>
    (code: string, msg: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(each) < least) return;
      const line = { time: new Date().toISOString(), level: each, msg, code, ...fields };
      if (each === "debug") return say(line);
      const unsaid = sentences.count(`${code} ${msg}`);
      const isSaid = unsaid !== undefined && codes.count(code) !== undefined;
      if (isSaid) say(unsaid === 0 ? line : { ...line, unsaid });
      else if (least === 0) say({ ...line, level: "debug" });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Texts, and how often each came within a while. */
class Counted {
  readonly #now: () => number;
  readonly #most: number;
  readonly #texts = new Map<string, { begin: number; count: number }>();

  constructor(now: () => number, most: number) {
    this.#now = now;
    this.#most = most;
  }

  /** Counts a text. Undefined where it came too often; else how many of it there were too many before. */
  count(text: string): number | undefined {
    const now = this.#now();
    const known = this.#texts.get(text);
    if (known !== undefined && now - known.begin < WHILE_MS) {
      known.count += 1;
      return known.count > this.#most ? undefined : 0;
    }
    this.#texts.delete(text);
    this.#texts.set(text, { begin: now, count: 1 });
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MOST_COUNTED && oldest !== undefined) this.#texts.delete(oldest);
    return Math.max(0, (known?.count ?? 0) - this.#most);
  }
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
