// Commands of the shell (POSIX sh) as text.

/** Words of a command, each quoted where the shell would read it otherwise. */
export type Words = readonly (string | number)[];

/**
 * A command line. Every value in the template is quoted; a list stands for its words, and for nothing when it
 * is empty.
 */
export function sh(parts: TemplateStringsArray, ...values: readonly (string | number | Words)[]): string {
  let line = parts[0] ?? "";
  values.forEach((value, at) => {
    const words = Array.isArray(value) ? value : [value as string | number];
    const rest = parts[at + 1] ?? "";
    if (words.length > 0) line += words.map((word) => quoted(String(word))).join(" ") + rest;
    else line = line.replace(/ $/, "") + rest;
  });
  return line;
}

/** The text as one word of the shell. */
export function quoted(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A comment. What is not printable, line ends above all, becomes "?". */
export function comment(text: string): string {
  return `# ${text.replaceAll(/[^ -~]/gu, "?")}`;
}

/** The lines inside of `if`. The condition is a command line. */
export function when(condition: string, lines: readonly string[]): string[] {
  return [`if ${condition}; then`, ...lines.map((line) => `    ${line}`), "fi"];
}

/** The program reads these lines from stdin. None of them may be `EOF`. */
export function fed(command: string, lines: readonly string[]): string[] {
  return [`${command} <<'EOF'`, ...lines, "EOF"];
}
