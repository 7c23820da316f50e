// How long a person waits for a look at a node with 250 pods, each with a host port.
import { openOurs } from "../full-node.ts";
import { milliseconds, type Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { pause, quiet, type Scene } from "../scene.ts";

const PODS = 250;

/** The commands, with the most milliseconds that each may take; undefined: no limit was set. */
const COMMANDS: readonly (readonly [words: string, limit: number | undefined])[] = [
  ["ls", 30],
  ["ls 8080", undefined],
  ["ls networks", undefined],
  ["draw", 200],
  ["draw --svg", 200],
  ["doctor", 1000],
  ["status", 1000],
  ["metrics", undefined],
  ["restore", undefined],
];

/** The figures of this measure: a command that ends with 2 could not look, and would be quick for nothing. */
export async function measureCommands(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  stack.defer(quiet);
  const { host } = await openOurs(scene, PODS, 1, []);
  stack.use(host);
  const times = new Samples();
  const rounds = Math.ceil(scene.rounds / 2);
  for (let round = -2; round < rounds; round++) {
    for (const [words] of COMMANDS) {
      await pause();
      const call = {
        words: [scene.ours.path, ...words.split(" ")],
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      };
      const [timing] = (await host.run([call])).timings;
      if (timing === undefined || timing.status > 1)
        throw new Error(`pontoon ${words} ended with status ${timing?.status}`);
      if (round >= 0) times.of(words).add(timing.ms);
    }
  }
  report.heading(
    "Commands for people",
    `a node with ${PODS} pods, a host port and masquerading each; ${rounds} rounds`,
  );
  for (const [words, limit] of COMMANDS) {
    const sample = times.of(words);
    const met = limit === undefined ? "" : sample.median <= limit ? "yes" : "NO";
    if (met === "NO") report.missed++;
    report.plain(`pontoon ${words}`, milliseconds(sample), limit === undefined ? "" : `<=${limit} ms`, met);
  }
}
