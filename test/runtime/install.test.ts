// `pontoon install` puts files on a node. Runtimes call the executable and read the configuration while they
// are replaced, so there is never a moment without one, nor with half of one, whatever happens to the
// install.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { expect } from "vitest";
import { mustSucceed } from "../support/cni.ts";
import { holdCommandAt } from "../support/held.ts";
import {
  BIN_FOLDER,
  CONFLIST,
  filesOf,
  INSTALLED,
  INSTALLED_LOOPBACK,
  installCommand,
  installed,
  NET_FOLDER,
  put,
  SHIPPED,
  tryInstall,
} from "../support/install.ts";
import { describe, type Outcome } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment, failingAt, killedAt, TRACE } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { pluginBinary, type World } from "../support/world.ts";

const OLD_PLUGIN = "#!/bin/sh\necho old\n";
const OLD_CONFLIST = '{ "old": true }\n';
/** Every kind of system call by which an install changes something. */
const CHANGING = ["flock", "unlinkat", "write", "fchmod", "fsync", "renameat2", "symlinkat"];

scene(
  "both files are put in place, whole and executable, and a second run changes nothing",
  async (world) => {
    expect(await installed(world)).toEqual([
      `${INSTALLED}: installed`,
      `${INSTALLED_LOOPBACK}: installed, a link to pontoon`,
      `${CONFLIST}: installed`,
      `the runtime takes ${CONFLIST}, the first by name`,
    ]);
    expect(bytesOf(world, INSTALLED).equals(readFileSync(pluginBinary()))).toBe(true);
    expect(bytesOf(world, CONFLIST).equals(readFileSync(SHIPPED))).toBe(true);
    expect([INSTALLED, CONFLIST].map((path) => modeOf(world, path))).toEqual([0o755, 0o644]);

    const files = filesOf(world);
    expect(files).toHaveLength(3);
    expect(await installed(world)).toEqual([
      `${INSTALLED}: already there`,
      `${INSTALLED_LOOPBACK}: already there`,
      `${CONFLIST}: already there`,
      `the runtime takes ${CONFLIST}, the first by name`,
    ]);
    expect(filesOf(world)).toEqual(files);
  },
);

scene("others may read and start the files, whatever the umask of the person is", async (world) => {
  const through = ["/bin/sh", "-c", 'umask 077; exec "$0" "$@"'];
  mustSucceed(await tryInstall(world, undefined, { through }));
  expect([INSTALLED, CONFLIST].map((path) => modeOf(world, path))).toEqual([0o755, 0o644]);
});

scene("an executable that nobody may start is put right", async (world) => {
  await world.host.must(["mkdir", "-p", BIN_FOLDER]);
  await world.host.must(["cp", pluginBinary(), INSTALLED]);
  await world.host.must(["chmod", "644", INSTALLED]);
  expect((await installed(world, []))[0]).toBe(`${INSTALLED}: installed`);
  expect(modeOf(world, INSTALLED)).toBe(0o755);
});

scene("what is installed can install itself, also when its file is gone by then", async (world) => {
  await installed(world, []);
  const elsewhere = "/run/world/elsewhere";
  await world.host.must([INSTALLED, "install", "--bin-dir", elsewhere]);
  // The shell keeps the descriptor of a file that has no name any more.
  const command = `exec 9< "$0"; rm "$0"; exec /proc/self/fd/9 install --bin-dir "$1"`;
  await world.host.must(["sh", "-c", command, INSTALLED, `${elsewhere}/twice`]);
  expect(bytesOf(world, `${elsewhere}/twice/pontoon`).equals(readFileSync(pluginBinary()))).toBe(true);
});

scene("an executable that is running is replaced, and goes on running", async (world) => {
  await world.host.must(["mkdir", "-p", BIN_FOLDER]);
  await world.host.must(["cp", toolPath("sleep"), INSTALLED]);
  await using running = world.host.start([INSTALLED, "60"]);
  const runs = (): boolean => readFileSync(`/proc/${running.pid}/cmdline`, "utf8").startsWith(INSTALLED);
  await waitFor("the old executable runs", runs);
  await installed(world);
  expect(bytesOf(world, INSTALLED).equals(readFileSync(pluginBinary()))).toBe(true);
  expect(existsSync(`/proc/${running.pid}/exe`)).toBe(true);
});

scene("a configuration that somebody changed stays, unless --force is given", async (world) => {
  put(world, CONFLIST, OLD_CONFLIST);
  expect(await installed(world)).toContain(
    `${CONFLIST}: kept, it differs from ${SHIPPED} (--force replaces it)`,
  );
  expect(world.read(CONFLIST)).toBe(OLD_CONFLIST);
  expect(await installed(world, ["--conf", SHIPPED, "--force"])).toContain(`${CONFLIST}: installed`);
  expect(bytesOf(world, CONFLIST).equals(readFileSync(SHIPPED))).toBe(true);
});

scene("another configuration goes in under another name", async (world) => {
  await installed(world, ["--conf", SHIPPED, "--name", "05-mine.conflist"]);
  expect(readdirSync(world.outside(NET_FOLDER))).toEqual(["05-mine.conflist"]);
});

scene("files of others in both folders stay as they are", async (world) => {
  for (const name of ["bridge", ".pontoon", "pontoon.new", ".new"]) put(world, `${BIN_FOLDER}/${name}`, name);
  for (const name of ["05-calico.conflist", ".10-pontoon.conflist", "10-pontoon.conflist.new"])
    put(world, `${NET_FOLDER}/${name}`, name);
  const before = filesOf(world);
  await installed(world);
  expect(filesOf(world)).toEqual(expect.arrayContaining(before));
  expect(filesOf(world)).toHaveLength(before.length + 3);
});

scene(
  "killed before any one of its system calls it leaves the old file or the new one, and the next run tidies up",
  async (world) => {
    const moments = await atEveryMoment(async (moment) => {
      put(world, INSTALLED, OLD_PLUGIN, 0o755);
      put(world, CONFLIST, OLD_CONFLIST);
      const outcome = await tryInstall(world, ["--conf", SHIPPED, "--force"], { through: killedAt(moment) });
      const at = `${moment.kind} ${moment.count}`;
      expect(await answerOf(world), at).toMatch(/^(old|pontoon \d.*)$/);
      expect([OLD_CONFLIST, readFileSync(SHIPPED, "utf8")], at).toContain(world.read(CONFLIST));
      if (outcome.status !== undefined) mustSucceed(outcome);
      await installed(world, ["--conf", SHIPPED, "--force"]);
      expect(namesOf(world), at).toEqual(["loopback", "pontoon", "10-pontoon.conflist"]);
      expect(await answerOf(world), at).toMatch(/^pontoon \d/);
      return outcome.status === undefined;
    }, CHANGING);
    expect(moments).toBeGreaterThan(12);
  },
  60_000,
);

scene("a killed install whose files are there already is tidied up too", async (world) => {
  await installed(world);
  const files = filesOf(world);
  put(world, `${BIN_FOLDER}/.pontoon.new`, "half");
  put(world, `${NET_FOLDER}/.10-pontoon.conflist.new`, "half");
  await installed(world);
  expect(filesOf(world)).toEqual(files);
});

scene(
  "a runtime that calls the plugin all the time meets the old executable or the new one, and nothing else",
  async (world) => {
    const answers = "/run/world/answers";
    // An old executable that says its first argument. No script: the kernel and the shell open that one after
    // the other.
    const putOld = `cp "${toolPath("echo")}" ${BIN_FOLDER}/.old && mv ${BIN_FOLDER}/.old ${INSTALLED}`;
    await world.host.must(["sh", "-c", `mkdir -p ${BIN_FOLDER} && ${putOld}`]);
    const caller = `while ! [ -e /run/world/stop ]; do "$0" version 2>&1 | head -n 1; done > ${answers}`;
    await using running = world.host.start(["sh", "-c", caller, INSTALLED]);
    const count = (): number => world.read(answers).split("\n").length;
    for (let round = 0; round < 10; round++) {
      const before = world.has(answers) ? count() : 0;
      await waitFor("the old one was called", () => world.has(answers) && count() > before + 2);
      await installed(world, []);
      const then = count();
      await waitFor("the new one was called", () => count() > then + 2);
      await world.host.must(["sh", "-c", putOld]);
    }
    world.write("/run/world/stop", "");
    await running.finish();
    const told = new Set(world.read(answers).trim().split("\n"));
    expect([...told].sort()).toEqual([expect.stringMatching(/^pontoon \d/), "version"]);
  },
  60_000,
);

scene("of several installs at once all succeed, and nothing of them is left", async (world) => {
  put(world, INSTALLED, OLD_PLUGIN, 0o755);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => tryInstall(world)));
  const firstLines = outcomes.map((outcome) => mustSucceed(outcome).stdout.split("\n")[0]);
  expect(firstLines.filter((line) => line === `${INSTALLED}: installed`)).toHaveLength(1);
  expect(firstLines.filter((line) => line === `${INSTALLED}: already there`)).toHaveLength(5);
  expect(bytesOf(world, INSTALLED).equals(readFileSync(pluginBinary()))).toBe(true);
  expect(namesOf(world)).toEqual(["loopback", "pontoon", "10-pontoon.conflist"]);
});

scene("each file is on the disk before it has its name, and its name before the next file", async (world) => {
  const kinds = "openat,write,fchmod,fsync,close,renameat2,symlinkat";
  const through = [toolPath("strace"), "-y", "-qq", "-o", TRACE, "-e", `trace=${kinds}`];
  mustSucceed(await tryInstall(world, undefined, { through }));
  const steps = world
    .read(TRACE)
    .split("\n")
    .flatMap((line) => {
      const [, call, path = ""] =
        /^(fsync|close|renameat2|symlinkat)\("?\w+(?:<[^>]*?([^/>]*)>)?/.exec(line) ?? [];
      const isTemporary = path.endsWith(".new");
      return call === "renameat2" ||
        call === "symlinkat" ||
        call === "fsync" ||
        (call === "close" && isTemporary)
        ? [`${call} ${path}`]
        : [];
    })
    .map((step) => step.replace(/^(renameat2|symlinkat) .*/, "$1"));
  expect(steps).toEqual([
    ...["fsync .pontoon.new", "close .pontoon.new", "renameat2", "fsync bin"],
    ...["symlinkat", "fsync bin"],
    ...["fsync .10-pontoon.conflist.new", "close .10-pontoon.conflist.new", "renameat2", "fsync net.d"],
  ]);
});

for (const { what, moment, errno, words } of [
  {
    what: "a full disk",
    moment: { kind: "write", count: 1 },
    errno: "ENOSPC",
    words: "Free some disk space",
  },
  { what: "a failing disk", moment: { kind: "fsync", count: 1 }, errno: "EIO", words: "Cause: EIO" },
  {
    what: "a name that cannot be changed",
    moment: { kind: "renameat2", count: 1 },
    errno: "EPERM",
    words: "Hint: Name a folder that can be written with --bin-dir",
  },
]) {
  scene(
    `${what}: the old file stays, no temporary one, no configuration, and stderr says why`,
    async (world) => {
      put(world, INSTALLED, OLD_PLUGIN, 0o755);
      const { status, stdout, stderr } = await tryInstall(world, undefined, {
        through: failingAt(moment, errno),
      });
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`pontoon install: I/O failure: ${INSTALLED} cannot be written. Tried to `);
      expect(stderr).toContain(words);
      expect([world.read(INSTALLED), namesOf(world)]).toEqual([OLD_PLUGIN, ["pontoon"]]);
    },
  );
}

scene("a file system that has nothing to write for a folder is no reason to fail", async (world) => {
  mustSucceed(
    await tryInstall(world, undefined, { through: failingAt({ kind: "fsync", count: 2 }, "EINVAL") }),
  );
  expect(namesOf(world)).toEqual(["loopback", "pontoon", "10-pontoon.conflist"]);
});

scene("a file system without locks is no reason to fail", async (world) => {
  mustSucceed(
    await tryInstall(world, undefined, { through: failingAt({ kind: "flock", count: "1+" }, "EBADF") }),
  );
  expect(namesOf(world)).toEqual(["loopback", "pontoon", "10-pontoon.conflist"]);
});

scene(
  "an install that stands still is waited for, and told of at last; when it goes on it ends well",
  async (world) => {
    await using first = await holdCommandAt(world, installCommand(), { kind: "renameat2", count: 1 });
    const { status, stdout, stderr } = await world.host.exec(installCommand(), { timeoutMs: 30_000 });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^pontoon install: try again later: another install is writing in .*Hint: Wait/);
    mustSucceed(await first.goOn());
    expect([await answerOf(world), namesOf(world)]).toEqual([
      expect.stringMatching(/^pontoon /),
      ["loopback", "pontoon"],
    ]);
  },
  60_000,
);

const bytesOf = (world: World, path: string): Buffer => readFileSync(world.outside(path));
const modeOf = (world: World, path: string): number => statSync(world.outside(path)).mode & 0o7777;

/** What both folders hold. */
const namesOf = (world: World): string[] =>
  filesOf(world).map((line) => line.slice(line.lastIndexOf("/") + 1).split(" ")[0] ?? "");

/** The first line that the installed file says when it is started. */
async function answerOf(world: World): Promise<string> {
  const outcome: Outcome = await world.host.exec([INSTALLED, "version"]);
  return outcome.status === 0 ? (outcome.stdout.split("\n")[0] ?? "") : describe(outcome);
}
