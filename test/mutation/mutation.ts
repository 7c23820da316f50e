// One small change of the sources that some test has to notice. scripts/mutate.ts plays the rows.

/** A row of the list: where the change is, what it does, and which test goes red by it. */
export interface Mutation {
  /** What goes wrong by the change, in words: "a lease owner is compared by container id alone". */
  name: string;
  /** The changed file, below the repository. */
  file: string;
  /**
   * The piece of text that is replaced. It occurs exactly once in the file, however its lines are broken, so
   * it finds its place when lines move and when the formatter breaks them.
   */
  find: string;
  replace: string;
  /** The file of the test that has to notice. */
  test: string;
  /** The name of that test, or a part of it. */
  promise: string;
  /** Why no test can notice the change, where none can. Such a row has to stay green. */
  equivalent?: string;
}

/**
 * The pieces of `text` around each place where `find` stands in it: one more than there are places. Blanks
 * and line breaks count as equal, and so does the comma that a formatter puts behind the last part of a list.
 */
export function piecesAround(text: string, find: string): string[] {
  const escaped = find.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const pattern = escaped
    .replaceAll(/\\[([{]\s*/g, (open) => `${open.trim()}\\s*`)
    .replaceAll(/,?\s*\\[)\]}]/g, (close) => `,?\\s*${close.slice(-2)}`)
    .replaceAll(/\s*\\\./g, String.raw`\s*\.`)
    .replaceAll(/ |\n/g, "\\s+")
    .replaceAll(/(\\s\+)+/g, "\\s+");
  return text.split(new RegExp(pattern));
}
