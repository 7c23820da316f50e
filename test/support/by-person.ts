// Commands as a person types them in a world, with or without a terminal.
import { describe, type Outcome, type RunOptions } from "./process.ts";
import { toolPath } from "./tool.ts";
import { waitFor } from "./wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

const WHERE = { CNI_PATH: PLUGIN_FOLDER, NETCONFPATH: CONFIG_FOLDER };

/** Runs a command line of Pontoon in the world, without a terminal. */
export async function pontoon(world: World, line: string, options: RunOptions = {}): Promise<Outcome> {
  const outcome = await world.host.exec(`${PLUGIN_FOLDER}/pontoon ${line}`, {
    timeoutMs: 60_000,
    ...options,
    env: { ...WHERE, ...options.env },
  });
  world.diary.push(describe(outcome));
  return outcome;
}

/**
 * Runs it on a terminal, which a person types `answer` into. stdout has both streams, with plain ends of
 * lines.
 */
export async function onTerminal(world: World, line: string, answer = ""): Promise<Outcome> {
  const script = [toolPath("script"), "-qec", `stty -echo; ${PLUGIN_FOLDER}/pontoon ${line}`, "/dev/null"];
  const env = { ...WHERE, NO_COLOR: "1", TERM: "xterm" };
  const outcome = await world.host.exec(script, { env, stdin: answer, timeoutMs: 60_000 });
  world.diary.push(describe(outcome));
  // The terminal may show the answer before its echo is off.
  const stdout = outcome.stdout.replaceAll("\r", "");
  return { ...outcome, stdout: stdout.startsWith(answer) ? stdout.slice(answer.length) : stdout };
}

/** Runs a command line that has to succeed; gives its stdout. */
export async function pontoonMust(world: World, line: string): Promise<string> {
  const outcome = await pontoon(world, line);
  if (outcome.status !== 0) throw new Error(`The command should have succeeded.\n${describe(outcome)}`);
  return outcome.stdout;
}

/** Removes a pod's namespace without a DEL, and waits until the kernel has taken its veth pair. */
export async function forget(world: World, pod: Pod): Promise<void> {
  const count = async (): Promise<number> =>
    (await world.host.json<unknown[]>("ip -j link show type veth")).length;
  const before = await count();
  await world.removePod(pod);
  await waitFor("the veth pair is gone", async () => (await count()) < before);
}
