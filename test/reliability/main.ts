// The reliability suite: for as long as it is given it plays cases of all parts, whichever part had the
// least time next. `scripts/test --reliability` runs it.
import "../support/native.ts";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { randomOf } from "./part.ts";
import { PARTS } from "./parts.ts";
import { isFailure, report } from "./report.ts";
import { Turn } from "./turn.ts";

const USAGE = `usage: scripts/test --reliability [--seconds N] [--seed N] [--repeated] [--list] [WORD...]

Kills, hurts, floods and fuzzes calls of dist/pontoon in throw-away hosts, for 300 seconds or as many as are
given. The order of the cases follows from the seed, which is printed.
  WORD     only cases that have all of these words in the name of part and case
  --repeated
           the status is 1 for findings alone that a fresh host had too
  --list   prints the parts with their number of cases, and plays nothing
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "300" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      repeated: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return say(USAGE, 0);
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0) || !Number.isInteger(seed)) return say(USAGE, 2);
  const turns = await turnsFor(positionals, seed);
  if (turns.length === 0) return say(`no case has all of these words: ${positionals.join(" ")}`, 2);
  if (values.list) return say(turns.map(listed).join("\n"), 0);
  console.log(`seed ${seed}, ${seconds} seconds, ${turns.length} parts`);
  await playUntil(turns, performance.now() + 1000 * seconds);
  for (const turn of turns) await turn[Symbol.asyncDispose]();
  console.log(report(turns, seed));
  return turns.some((turn) => isFailure(turn, values.repeated)) ? 1 : 0;
}

/** The parts that have cases with these words, each with its cases in the order of the seed. */
async function turnsFor(words: string[], seed: number): Promise<Turn[]> {
  const names = PARTS.map(({ name }) => name);
  const chosen = PARTS.filter(({ name }) => !words.some((word) => names.includes(word) && word !== name));
  const turns = chosen.map((part, at) => new Turn(part, words, randomOf(seed + at)));
  const isThere = await Promise.all(turns.map((turn) => turn.prepare()));
  return turns.filter((_, at) => isThere[at]);
}

/** Several cases at once, of different parts or of one: each has a bench of its own. */
async function playUntil(turns: Turn[], end: number): Promise<void> {
  const lane = async (): Promise<void> => {
    for (;;) {
      const [turn] = turns.filter(({ isOver }) => !isOver).sort((a, b) => a.spent - b.spent);
      if (turn === undefined || performance.now() > end) return;
      const start = performance.now();
      // The others see at once that the part is in use.
      turn.spent += 1;
      const finding = await turn.next();
      turn.spent += performance.now() - start;
      if (finding !== undefined)
        console.log(`${finding.known === undefined ? "finding" : "known"}: ${finding.part} ${finding.name}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

function listed({ part, total, leftOut }: Turn): string {
  const lines = [`${part.name}: ${total ?? "no end of"} cases. ${part.promise}`];
  return [...lines, ...leftOut.map((each) => `  left out: ${each}`)].join("\n");
}

function say(text: string, status: number): number {
  (status === 0 ? console.log : console.error)(text);
  return status;
}
