// Plays the list of small changes (test/mutation): each one in a copy of the repository, against the test
// that has to notice. `scripts/test --mutate` calls it. It takes a quarter of an hour, so it runs before a
// release and after a redesign, not in CI.
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { MUTATIONS } from "../test/mutation/all.ts";
import { type Mutation, piecesAround } from "../test/mutation/mutation.ts";
import { MutationCopy } from "./mutation-copy.ts";

/** How a row ended. `broken`: it says nothing about the tests, because it could not be played. */
type Ending = { kind: "noticed" | "unnoticed" | "equivalent" } | { kind: "broken"; why: string };

interface Played {
  mutation: Mutation;
  ending: Ending;
}

process.exitCode = await main(process.argv.slice(2));

/** Plays the rows that have all of `words` in them. Gives the exit status. */
async function main(words: string[]): Promise<number> {
  const rows = MUTATIONS.filter((row) =>
    words.every((word) => [row.name, row.file, row.test].some((text) => text.includes(word))),
  );
  if (rows.length === 0) return refuse(`no row of test/mutation has all of these words: ${words.join(" ")}`);
  await using copies = await openCopies(Math.min(availableParallelism(), rows.length));
  console.log(`${rows.length} changes; first their tests without a change`);
  const { failed } = await copies.all[0]!.run(rows);
  if (failed.length > 0) return refuse(`without any change these tests fail:\n${failed.join("\n")}`);
  return report(await playAll(copies.all, rows));
}

/** Plays every row in whichever copy is free, and says how each ended. */
async function playAll(copies: MutationCopy[], rows: Mutation[]): Promise<Played[]> {
  const waiting = [...rows];
  const played: Played[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
        const ending = await play(copy, mutation);
        played.push({ mutation, ending });
        console.log(
          `${String(played.length).padStart(3)}/${rows.length}  ${ending.kind.padEnd(10)}  ${mutation.name}`,
        );
      }
    }),
  );
  return played;
}

/** Makes the change, runs the test, and takes the change back. */
async function play(copy: MutationCopy, mutation: Mutation): Promise<Ending> {
  const path = join(copy.folder, mutation.file);
  const before = readFileSync(path, "utf8");
  const pieces = piecesAround(before, mutation.find);
  if (pieces.length !== 2)
    return { kind: "broken", why: `its text occurs ${pieces.length - 1} times in ${mutation.file}` };
  writeFileSync(path, pieces.join(mutation.replace));
  try {
    const result = await copy.run([mutation]);
    if (result.isBroken) return { kind: "broken", why: result.words };
    if (mutation.equivalent === undefined) return { kind: result.isGreen ? "unnoticed" : "noticed" };
    return result.isGreen
      ? { kind: "equivalent" }
      : { kind: "broken", why: `a test notices it, although the row says: ${mutation.equivalent}` };
  } finally {
    writeFileSync(path, before);
  }
}

/** Says how many were noticed, and which were not. Gives the exit status. */
function report(played: Played[]): number {
  const count = (kind: Ending["kind"]) => played.filter(({ ending }) => ending.kind === kind).length;
  for (const { mutation, ending } of played) {
    if (ending.kind === "unnoticed")
      console.log(
        `\nnot noticed: ${mutation.name}\n  ${mutation.file}\n  ${mutation.test}: "${mutation.promise}" stayed green`,
      );
    if (ending.kind === "broken")
      console.log(`\nbroken: ${mutation.name}\n  ${mutation.file}\n  ${ending.why}`);
  }
  console.log(
    `\n${count("noticed")} noticed, ${count("unnoticed")} not noticed, ${count("equivalent")} equivalent, ${count("broken")} broken`,
  );
  return count("unnoticed") + count("broken") === 0 ? 0 : 1;
}

/** So many copies of the repository, beside each other. They are removed at the end. */
async function openCopies(count: number) {
  const all = await Promise.all(
    Array.from({ length: count }, () => MutationCopy.make(dirname(import.meta.dirname))),
  );
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const copy of all) copy.remove();
    },
  };
}

function refuse(why: string): number {
  console.error(`scripts/test --mutate: ${why}`);
  return 1;
}
