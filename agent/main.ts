// The agent's program: which of its works is meant, and how it ends.
import { runAgent } from "./agent.ts";
import { printWish } from "./dry-run.ts";
import { openLog } from "./log.ts";
import { removeAll } from "./remove.ts";
import { type Asked, helpText, readSettings, WrongSettings } from "./settings.ts";
import { VERSION } from "./version.ts";

// A connection or a child that is still open holds nobody up.
void main().then((status) => process.exit(status));

async function main(): Promise<number> {
  let asked: Asked;
  try {
    asked = readSettings(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof WrongSettings)) throw error;
    for (const problem of error.problems) process.stderr.write(`pontoon-agent: ${problem}\n`);
    process.stderr.write("pontoon-agent: --help prints the options\n");
    return 2;
  }
  if ("help" in asked) return print(helpText());
  if ("version" in asked) return print(`${VERSION}\n`);
  const { settings } = asked;
  const log = openLog({ level: settings["log-level"], format: settings["log-format"] }, (line) => {
    process.stderr.write(line);
  });
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort(signal));
  if (settings.remove) return removeAll(settings, log);
  if (settings["dry-run"]) return printWish(settings, { log, print, signal: stop.signal });
  const stopped = new Promise<void>((done) => {
    stop.signal.addEventListener("abort", () => done(), { once: true });
  });
  // An apply that is running may be killed at any moment; the next one completes it.
  await Promise.race([runAgent(settings, log, stop.signal), stopped]);
  log.info("stopped", `stopped by ${stop.signal.reason as string}; what was made stays`);
  return 0;
}

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}
