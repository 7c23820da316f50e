// Putting the plugin on a node: scripts/install, which is also what the image runs. Runtimes call the
// executable while it is replaced, so there is never a moment without one, nor with half of one.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BackgroundProcess, describe, type Outcome, run } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH, toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";

const EXECUTABLE = join(REPOSITORY, "dist/pontoon");
const SHIPPED = join(REPOSITORY, "cni-conf/10-pontoon.conflist");

/** The shells that run the script: the machine's, and the one of the image. */
const SHELLS = [["sh"], [toolPath("busybox"), "sh"]];

for (const shell of SHELLS) {
  test(`${shell.join(" ")}: both files are put in place, and a second run changes nothing`, async () => {
    using node = new NodeFolders();
    const first = await node.install({ shell });
    expect(first.stdout).toContain(`${node.plugin}: installed`);
    expect(readFileSync(node.plugin).equals(readFileSync(EXECUTABLE))).toBe(true);
    expect(readFileSync(node.conflist, "utf8")).toBe(readFileSync(SHIPPED, "utf8"));
    expect(statSync(node.plugin).mode & 0o777).toBe(0o755);
    expect(statSync(node.conflist).mode & 0o777).toBe(0o644);

    const files = [node.plugin, node.conflist].map((file) => statSync(file).ino);
    const second = await node.install({ shell });
    expect(second.stdout).toContain(`${node.plugin}: already there`);
    expect([node.plugin, node.conflist].map((file) => statSync(file).ino)).toEqual(files);
  });
}

test("a configuration that somebody changed stays, unless --force is given", async () => {
  using node = new NodeFolders();
  writeFileSync(node.conflist, "{}");
  expect((await node.install()).stdout).toContain(`${node.conflist}: kept`);
  expect(readFileSync(node.conflist, "utf8")).toBe("{}");
  await node.install({ args: ["--force"] });
  expect(readFileSync(node.conflist, "utf8")).toBe(readFileSync(SHIPPED, "utf8"));
});

test("another configuration goes in under another name", async () => {
  using node = new NodeFolders();
  const own = join(node.folder, "own.conflist");
  writeFileSync(own, "{}");
  await node.install({ args: ["--conflist", own, "--name", "05-mine.conflist"] });
  expect(readdirSync(node.configurations)).toEqual(["05-mine.conflist"]);
});

test("an executable that is running is replaced, and goes on running", async () => {
  using node = new NodeFolders();
  copyFileSync(toolPath("sleep"), node.plugin);
  chmodSync(node.plugin, 0o755);
  await using running = new BackgroundProcess([node.plugin, "60"]);
  await waitFor("the old executable runs", () => existsSync(`/proc/${running.pid}/exe`));
  await node.install();
  expect(readFileSync(node.plugin).equals(readFileSync(EXECUTABLE))).toBe(true);
  expect(existsSync(`/proc/${running.pid}/exe`)).toBe(true);
});

test("at every moment the executable is the old one or the new one, also when the script is killed half-way", async () => {
  using node = new NodeFolders();
  writeFileSync(node.plugin, "old");
  const killed = node.start();
  await waitFor("the script has begun to copy", () => readdirSync(node.plugins).length > 1);
  await killed.stop("SIGKILL");
  expect(readFileSync(node.plugin, "utf8")).toBe("old");

  const sizes = new Set<number>();
  const script = node.install();
  let done = false;
  void script.finally(() => {
    done = true;
  });
  await waitFor("the script has ended", () => {
    sizes.add(statSync(node.plugin).size);
    return done;
  });
  await script;
  sizes.add(statSync(node.plugin).size);
  expect([...sizes].sort((a, b) => a - b)).toEqual([3, statSync(EXECUTABLE).size]);
});

interface Install {
  shell?: string[];
  args?: string[];
}

/** A node's two folders, below a temporary one. */
class NodeFolders implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pontoon-install-"));
  readonly plugins = join(this.folder, "opt/cni/bin");
  readonly configurations = join(this.folder, "etc/cni/net.d");
  readonly plugin = join(this.plugins, "pontoon");
  readonly conflist = join(this.configurations, "10-pontoon.conflist");

  constructor() {
    mkdirSync(this.plugins, { recursive: true });
    mkdirSync(this.configurations, { recursive: true });
  }

  /** Runs the script to its end; it has to succeed. */
  async install(wishes: Install = {}): Promise<Outcome> {
    const outcome = await run(this.#command(wishes), { env: { PATH: SYSTEM_PATH } });
    if (outcome.status !== 0) throw new Error(describe(outcome));
    return outcome;
  }

  start(): BackgroundProcess {
    return new BackgroundProcess(this.#command({}), { env: { PATH: SYSTEM_PATH } });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #command({ shell = ["sh"], args = [] }: Install): string[] {
    return [
      ...shell,
      join(REPOSITORY, "scripts/install"),
      "--bin-dir",
      this.plugins,
      "--conf-dir",
      this.configurations,
      ...args,
    ];
  }
}
