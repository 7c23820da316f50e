// The executable itself: what it needs, what it listens to, and how it ends when its limits are met.
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { CniError } from "../support/cni.ts";
import { build, program } from "../support/engine.ts";
import { type Outcome, run } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH, toolPath } from "../support/tool.ts";
import { pluginBinary } from "../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "pontoon-engine-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An ADD that is refused at the last look before anything is made: its namespace is the caller's own. */
const ADD = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/proc/self/ns/net",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
const CONFIG = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  type: "pontoon",
  ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] },
});
const REFUSED = "plugin's netns and netns from CNI_NETNS should not be the same";

/** The one error object of a call that has to fail with status 1, and say nothing else. */
function errorOf({ status, stdout, stderr }: Outcome): CniError {
  expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
  return JSON.parse(stdout) as CniError;
}

async function add(stdin: string, through: string[] = []): Promise<CniError> {
  return errorOf(
    await run([...through, pluginBinary()], { env: { PATH: SYSTEM_PATH, ...ADD }, stdin, timeoutMs: 60_000 }),
  );
}

test("it is static: no interpreter, no dynamic section, and at most 3.3 MB", async () => {
  const { stdout } = await run([
    toolPath("readelf"),
    "--wide",
    "--program-headers",
    "--dynamic",
    pluginBinary(),
  ]);
  expect(stdout).toContain("There is no dynamic section");
  expect(stdout).toMatch(/^\s+LOAD/m);
  expect(stdout).not.toMatch(/INTERP|DYNAMIC/);
  expect(stdout).not.toMatch(/LOAD.* RWE /);
  expect(readFileSync(pluginBinary()).length).toBeLessThan(3_300_000);
});

test("it cannot make a script of a text: no parser is linked", () => {
  const complaint = "invalid assignment left-hand side";
  const compiler = join(REPOSITORY, "engine/target/x86_64-unknown-linux-gnu/release/compiler");
  expect([compiler, pluginBinary()].map((path) => readFileSync(path).includes(complaint))).toEqual([
    true,
    false,
  ]);
});

test("it needs no file but those of the kernel: it runs in an empty root with /proc and /sys", async () => {
  const root = join(folder, "root");
  for (const name of ["proc", "sys"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(pluginBinary(), join(root, "pontoon"));
  const script = 'mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && exec chroot "$0" /pontoon';
  const inside = (env: Record<string, string>, stdin: string) =>
    run([toolPath("unshare"), "--mount", "/bin/sh", "-c", script, root], {
      env: { PATH: SYSTEM_PATH, ...env },
      stdin,
    });
  expect(JSON.parse((await inside({ CNI_COMMAND: "VERSION" }, CONFIG)).stdout)).toHaveProperty(
    "supportedVersions",
  );
  expect(errorOf(await inside(ADD, CONFIG)).msg).toBe(REFUSED);
});

test("of a runtime's environment it asks for CNI_* and nothing else", async () => {
  const { stdout: plain } = await run([pluginBinary()], { env: ADD, stdin: CONFIG });
  const names = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_DEBUG",
    "GLIBC_TUNABLES",
    "MALLOC_CHECK_",
    "LANG",
    "LC_ALL",
    "TZ",
    "HOME",
    "TMPDIR",
    "NODE_OPTIONS",
    "QUICKJS",
    "RUST_BACKTRACE",
    "NOTIFY_SOCKET",
  ];
  const all = Object.fromEntries(names.map((name) => [name, "/proc/self/environ"]));
  const disturbed = await run(
    [toolPath("strace"), "-f", "-qq", "-o", join(folder, "trace"), "--trace=%file", pluginBinary()],
    { env: { ...all, ...ADD }, stdin: CONFIG },
  );
  expect(disturbed).toMatchObject({ status: 1, stdout: plain });
  const opened = readFileSync(join(folder, "trace"), "utf8");
  expect(opened).toContain("/proc/self/ns/net");
  expect(opened).not.toMatch(/environ|locale|zoneinfo|\.so/);
  // Every question by name goes through one function; with a library in between it could not be counted.
  const scripts = globSync("dist/pontoon*.mjs", { cwd: REPOSITORY });
  const asked = scripts
    .flatMap((path) => [
      ...readFileSync(join(REPOSITORY, path), "utf8").matchAll(/native\.getenv\(([^)]*)\)/g),
    ])
    .map(([, name]) => name);
  const ofRuntimes = ["name", '"CNI_COMMAND"', '"PATH"'];
  // Commands ask for these, and no runtime calls a command.
  const ofPeople = ["CNI_PATH", "NETCONFPATH", "NO_COLOR", "PONTOON_IN_IMAGE", "PONTOON_TRACE", "TERM"];
  expect(new Set(asked)).toEqual(new Set([...ofRuntimes, ...ofPeople.map((name) => `"${name}"`)]));
});

const DEEP = 1_000_000;
test.each([
  ["a million open brackets", "[".repeat(DEEP), 6, /nested too deeply/],
  [
    "a hundred thousand nested objects",
    `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
    6,
    /nested too deeply/,
  ],
  ["50 MB of white space", " ".repeat(50_000_000), 5, /EFBIG/],
  ["15 MB of empty lists", `{"x":[${"[],".repeat(5_000_000)}[]]}`, 6, /too large for the memory/],
  [
    "a text of 15 MB in front of a mistake",
    `{"a":"${"x".repeat(15_000_000)}",}`,
    6,
    /invalid character '}' in line 1, column 15000009/,
  ],
  [
    "a text of 15 MB of escapes that does not end",
    `{"a":"${"\\n".repeat(7_500_000)}`,
    6,
    /unexpected end of JSON input/,
  ],
  [
    "a hundred thousand values of a wrong type",
    CONFIG.replace(/}$/, `,"dns":{"search":[${"5,".repeat(100_000)}5]}}`),
    7,
    /more values of a wrong type than can be told/,
  ],
  ["nothing", "", 6, /unexpected end of JSON input/],
  ["bytes that are no text", "\0\u0001\u0002", 6, /invalid character/],
])("%s on stdin ends in one error", async (_, stdin, code, message) => {
  expect(await add(stdin)).toMatchObject({ code, msg: expect.stringMatching(message) });
});

test.each([
  ["64 kB of stack", "--stack=65536", REFUSED],
  ["24 kB of stack", "--stack=24576", /had to stop/],
  ["6 MB of addresses", "--as=6000000", REFUSED],
  ["3 descriptors", "--nofile=3", /open \/proc\/thread-self\/ns\/net/],
])("with %s an ADD does what it can, or says what is missing", async (_, limit, message) => {
  expect((await add(CONFIG, [toolPath("prlimit"), limit])).msg).toEqual(
    typeof message === "string" ? message : expect.stringMatching(message),
  );
});

// How much of these is left where the program starts is by chance: the kernel lowers each stack by up to 8
// kB. So an ADD is done, or the checks of the configuration, JSON.parse or the last words meet the end first;
// never is nothing said.
test("between enough stack and too little there is no crash", async () => {
  const said =
    /^(plugin's netns .* same|internal error: RangeError: Maximum call stack size exceeded|internal error: pontoon had to stop|.*: nested too deeply)$/;
  for (let bytes = 20 << 10; bytes <= 56 << 10; bytes += 1 << 10) {
    expect((await add(CONFIG, [toolPath("prlimit"), `--stack=${bytes}`])).msg, `${bytes} bytes`).toMatch(
      said,
    );
  }
});

/** The words for a wrong type are loaded late. */
const WRONG_TYPE = CONFIG.replace(/}$/, ',"mtu":"much"}');

test("between enough stack and too little for what is loaded late there is no crash", async () => {
  const said =
    /^(invalid network config: mtu "much": must be a whole number, without quotes|internal error: RangeError: Maximum call stack size exceeded|internal error: pontoon had to stop|.*: nested too deeply)$/;
  for (let bytes = 20 << 10; bytes <= 88 << 10; bytes += 2 << 10) {
    const { msg } = await add(WRONG_TYPE, [toolPath("prlimit"), `--stack=${bytes}`]);
    expect(msg, `${bytes} bytes`).toMatch(said);
  }
});

test("between enough memory and too little for what is loaded late there is no crash", async () => {
  // The kernel needs so much to start it.
  const least = readFileSync(pluginBinary()).length + 800_000;
  for (let bytes = least; bytes <= least + 5_000_000; bytes += 100_000) {
    const limited = [toolPath("prlimit"), `--as=${bytes}`, pluginBinary(), "version"];
    const { status, stdout } = await run(limited, { env: { PATH: SYSTEM_PATH } });
    expect([status, stdout.split("\n", 4).join()], `${bytes} bytes`).toEqual([
      expect.toBeOneOf([0, 1]),
      expect.stringMatching(status === 0 ? /^pontoon \d/ : /"internal error: pontoon had to stop"/),
    ]);
  }
});

test("a limit on the size of files is an error, no signal", async () => {
  const answer = join(folder, "answer");
  const { status, stderr } = await run(
    [toolPath("prlimit"), "--fsize=10", "/bin/sh", "-c", 'exec "$0" > "$1"', pluginBinary(), answer],
    { env: { PATH: SYSTEM_PATH, CNI_COMMAND: "VERSION" } },
  );
  expect([status, JSON.parse(stderr)]).toMatchObject([
    1,
    { code: 5, details: expect.stringContaining("Cause: EFBIG") },
  ]);
});

test("with little memory large input ends in one error that says so", async () => {
  const { code, details } = await add(`{"x":[${"1,".repeat(5_000_000)}1]}`, [
    toolPath("prlimit"),
    "--as=20000000",
  ]);
  expect([code, details]).toEqual([999, expect.stringContaining("Give the plugin more memory")]);
});

test("memory of every size holds what was written until it is given back, grows and shrinks, and has a limit that can be met twice", async () => {
  using memory = await program("memory.ts");
  const { status, stdout } = await run([memory.path]);
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    { damaged: 0, grown: true, mostMiB: [expect.any(Number), expect.any(Number)] },
  ]);
  const [first = 0, second = 0] = (JSON.parse(stdout) as { mostMiB: number[] }).mostMiB;
  expect(first).toBeGreaterThan(480);
  expect(first).toBeLessThanOrEqual(512);
  expect(second).toBe(first);
});

test("what the image brought can grow, shrink and go like anything else", async () => {
  using heirloom = await program("heirloom.ts");
  expect(await run([heirloom.path])).toMatchObject({ status: 0, stdout: "[]\n" });
});

test("a program that makes more than 3.3 MB does not build, and what was built before stays", async () => {
  const outDir = join(folder, "large");
  mkdirSync(outDir);
  writeFileSync(join(outDir, "pontoon"), "before");
  const { status, stderr } = await build(join(REPOSITORY, "test/runtime/program/large.ts"), outDir);
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(
      /^the executable would have \d,\d{3},\d{3} bytes, and at most 3,300,000 are allowed/m,
    ),
  ]);
  expect(readFileSync(join(outDir, "pontoon"), "utf8")).toBe("before");
});

test("a bug of ours names function, file and line of the TypeScript, and what to do", async () => {
  using broken = await program("broken.ts");
  const lines = readFileSync(join(REPOSITORY, "test/runtime/program/broken.ts"), "utf8").split("\n");
  const line = (words: string): string =>
    `test/runtime/program/broken.ts:${lines.findIndex((text) => text.includes(words)) + 1}`;
  for (const { args, name, words } of [
    { args: [], name: "reachInto", words: "nothing.deep" },
    { args: ["call"], name: "callIt", words: "return nothing(" },
    { args: ["early"], name: "give", words: "=> notYetThere" },
  ]) {
    const { code, msg, details } = errorOf(await run([broken.path, ...args]));
    expect([code, msg]).toEqual([999, expect.stringMatching(/^internal error: (Type|Reference)Error: /)]);
    expect(details).toContain(`${name} (${line(words)}), called by `);
    expect(details).toContain(`called by main (${line("return (BUGS[")})`);
    expect(details).toContain("Report this as a bug");
  }
});

test("it holds the names of functions, and none of variables", async () => {
  using broken = await program("broken.ts");
  const executable = readFileSync(broken.path);
  expect(["readEarly", "notYetThere"].map((name) => executable.includes(name))).toEqual([true, false]);
});

test("a module that calls what is loaded late while it loads itself does not build", async () => {
  const { status, stderr } = await build(
    join(REPOSITORY, "test/runtime/program/early.ts"),
    join(folder, "early"),
  );
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("what is loaded late is called while modules load"),
  ]);
});

test("a module that looks at the machine while it loads does not build", async () => {
  const { status, stderr } = await build(
    join(REPOSITORY, "test/runtime/program/hasty.ts"),
    join(folder, "hasty"),
  );
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("native.geteuid is called while modules load"),
  ]);
});
