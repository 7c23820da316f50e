// What people type: who is asking, help, wrong command lines. What each command does has a file of its own.
import { expect, test } from "vitest";
import { add, check, pluginEnvironment } from "../support/cni.ts";
import { install, network, pluginInput } from "../support/network.ts";
import { type Outcome, type RunOptions, run } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { PLUGIN_FOLDER, pluginBinary } from "../support/world.ts";

const COMMANDS = [
  "ls",
  "status",
  "doctor",
  "draw",
  "metrics",
  "report",
  "restore",
  "validate",
  "rm",
  "clean",
  "try",
  "cni",
  "script",
  "install",
  "node",
  "migrate",
  "explain",
  "help",
  "version",
  "completion",
  "man",
];
const VERSIONS = "CNI versions: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n";

const pontoon = (args: string[], options: RunOptions = {}): Promise<Outcome> =>
  run([pluginBinary(), ...args], options);

/** What a command says that succeeds; stderr has to stay empty. */
async function said(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await pontoon(args);
  expect({ status, stderr }, args.join(" ")).toEqual({ status: 0, stderr: "" });
  return stdout;
}

scene(
  "with an argument a person asks, also where CNI_COMMAND and all else of a DEL is there",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    await world.host.must("nft flush map inet pontoon net4");
    const asRuntime = {
      env: pluginEnvironment("DEL", { network: pods, pod: red }),
      stdin: pluginInput(pods),
    };
    expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`, asRuntime)).toBe(
      "pods: 1 attachment, 1 rule put back\n",
    );
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

test("without arguments CNI_COMMAND alone tells a runtime from a probe", async () => {
  const asked = await pontoon([], { env: { CNI_COMMAND: "VERSION" } });
  expect(JSON.parse(asked.stdout)).toMatchObject({ cniVersion: "1.1.0" });
  const about = {
    status: 0,
    stdout: "",
    stderr: expect.stringMatching(/^CNI pontoon plugin v\d+\.\d+\.\d+\n/),
  };
  expect(await pontoon([])).toMatchObject(about);
  expect(await pontoon([], { env: { CNI_COMMAND: "" } })).toMatchObject(about);
  expect((await pontoon([])).stderr.split("\n").slice(1).join("\n")).toBe(
    VERSIONS.replace("CNI versions", "CNI protocol versions supported"),
  );
});

test.each([["version"], ["--version"], ["-V"]])("%s: the version is on stdout", async (word) => {
  expect(await said(word)).toMatch(new RegExp(`^pontoon \\d+\\.\\d+\\.\\d+(-\\w+)?\n${VERSIONS}$`));
});

test.each([["--help"], ["-h"], ["help"]])(
  "%s: names every command with a line of what it does",
  async (word) => {
    const lines = (await said(word)).split("\n");
    const named = lines.flatMap((line) => /^ {2}pontoon (\w+) {2,}\S/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...COMMANDS].sort());
  },
);

test.each(COMMANDS)("%s: its page comes by help and by --help, before anything is done", async (name) => {
  const page = await said("help", name);
  expect(page.startsWith(`usage: pontoon ${name}`)).toBe(true);
  for (const words of [["--help"], ["-h"], ["one", "--odd", "--help", "two"]])
    expect(await said(name, ...words)).toBe(page);
});

test("every page says what the exit status means", async () => {
  for (const name of COMMANDS) expect(await said("help", name)).toMatch(/\nExit status: 0[ ,][^]*\.\n$/);
});

test("all help fits a terminal of 80 columns, and a line never ends in blanks", async () => {
  const pages = [await said("help"), ...(await Promise.all(COMMANDS.map((name) => said("help", name))))];
  const lines = pages.flatMap((page) => page.split("\n"));
  expect(lines.filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  expect(pages.filter((page) => !page.endsWith("\n") || page.endsWith("\n\n"))).toEqual([]);
});

test.each([
  [["restor"], 'pontoon: unknown command "restor"; did you mean "restore"?', "pontoon"],
  [["hlep"], 'pontoon: unknown command "hlep"; did you mean "help"?', "pontoon"],
  [["mig"], 'pontoon: unknown command "mig"; did you mean "migrate"?', "pontoon"],
  [["ADD"], 'pontoon: unknown command "ADD".', "pontoon"],
  [[""], 'pontoon: unknown command "".', "pontoon"],
  [["constructor"], 'pontoon: unknown command "constructor".', "pontoon"],
  [["a\nb"], 'pontoon: unknown command "a\\nb".', "pontoon"],
  [["help", "restoer"], 'pontoon: unknown command "restoer"; did you mean "restore"?', "pontoon"],
  [["--verison"], 'pontoon: unknown option "--verison"; did you mean "--version"?', "pontoon"],
  [["-x"], 'pontoon: unknown option "-x"; options stand behind the name of a command.', "pontoon"],
  [["restore", "--help=1"], "pontoon restore: --help takes no value.", "pontoon restore"],
  [
    ["cni", "foo", "pods"],
    'pontoon cni: unknown verb "foo"; there is add, check, del, gc, status, version.',
    "pontoon cni",
  ],
  [["cni", "chek"], 'pontoon cni: unknown verb "chek"; did you mean "check"?', "pontoon cni"],
  [
    ["ls", "--sort", "name"],
    'pontoon ls: unknown value of --sort "name"; there is age, address, traffic.',
    "pontoon ls",
  ],
  [["report", "-"], "pontoon report: a report goes into a file, and none is named by -.", "pontoon report"],
  [["help", "restore", "migrate"], "pontoon help: name one command.", "pontoon help"],
  [["version", "1"], 'pontoon version: "1" is one word too many.', "pontoon version"],
  [["restore", "now"], 'pontoon restore: "now" is one word too many.', "pontoon restore"],
  [["restore", "--now"], 'pontoon restore: unknown option "--now".', "pontoon restore"],
  [
    ["restore", "--halp"],
    'pontoon restore: unknown option "--halp"; did you mean "--help"?',
    "pontoon restore",
  ],
  [["restore", "--", "--help"], 'pontoon restore: "--help" is one word too many.', "pontoon restore"],
  [["migrate"], "pontoon migrate: name one file, or - for stdin.", "pontoon migrate"],
  [["migrate", "one", "two"], "pontoon migrate: name one file, or - for stdin.", "pontoon migrate"],
])("pontoon %j: status 2, a line that says what is wrong, and a hint", async (args, line, help) => {
  expect(await pontoon(args)).toMatchObject({
    status: 2,
    stdout: "",
    stderr: `${line}\nTry "${help} --help".\n`,
  });
});

test("what cannot be printed is an error", async () => {
  const { status, stderr } = await run(["sh", "-c", '"$0" version > /dev/full', pluginBinary()]);
  expect([status, stderr]).toEqual([
    1,
    "pontoon version: I/O failure: write stdout. Cause: ENOSPC. Hint: Free some disk space.\n",
  ]);
});
