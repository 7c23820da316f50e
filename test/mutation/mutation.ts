// One small change of the sources that some test has to notice. scripts/mutate.ts plays the rows.

/** A row of the list: where the change is, what it does, and which test goes red by it. */
export interface Mutation {
  /** What goes wrong by the change, in words: "a lease owner is compared by container id alone". */
  name: string;
  /** The changed file, below the repository. */
  file: string;
  /** The piece of text that is replaced. It occurs exactly once in the file, so it finds its place when lines move. */
  find: string;
  replace: string;
  /** The file of the test that has to notice. */
  test: string;
  /** The name of that test, or a part of it. */
  promise: string;
  /** Why no test can notice the change, where none can. Such a row has to stay green. */
  equivalent?: string;
}
