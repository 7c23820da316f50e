// The executable where the runtime looks for plugins, and its way back.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readFile, readlink, rename, rm, stat } from "node:fs/promises";
import { type Executable, ExecutableError } from "./node/executable.ts";

/** Beside the plugin: the hashes of what agents have installed, so that a removal takes nothing of others. */
const MARK = ".pontoon.agent";

const AGAIN_MS = 60_000;

/** Where things go on the node. */
export interface InstallFolders {
  binDir: string;
  confDir: string;
}

/** The plugin in the runtime's folder. */
export class Plugin {
  readonly #executable: Executable;
  readonly #folders: InstallFolders;
  /** What tells whether the file is still the one that was installed. */
  #identity = "";
  /** No installation is tried before, where an older plugin serves (performance.now). */
  #again = Number.NEGATIVE_INFINITY;

  constructor(executable: Executable, { binDir, confDir }: InstallFolders) {
    this.#executable = executable;
    this.#folders = { binDir: binDir.replace(/\/+$/, ""), confDir };
  }

  /**
   * Installs where that is not done, or somebody has undone it. Where it cannot be done, on a disk that is
   * full, say, a plugin of before serves: `failed` hears of it, and it is tried again in a minute. Gives what
   * was done. Throws ExecutableError where there is no plugin at all.
   */
  async ensure(failed: (reason: string) => void): Promise<string[]> {
    if (performance.now() < this.#again || (await this.isThere())) return [];
    try {
      return await this.install();
    } catch (error) {
      if (!(await this.#hasAny())) throw error;
      this.#again = performance.now() + AGAIN_MS;
      failed((error as Error).message);
      return [];
    }
  }

  /**
   * Installs the executable and the link `loopback`, by `pontoon install`, which compares, writes beside the
   * place, brings to the disk and renames. Gives what was done, one line each. Throws ExecutableError.
   */
  async install(): Promise<string[]> {
    const { binDir, confDir } = this.#folders;
    const hash = await hashOf(this.#executable.path);
    const words = ["install", "--bin-dir", binDir, "--conf-dir", confDir];
    const { status, stdout, stderr } = await this.#executable.call(words);
    const [first = "it said nothing"] = stderr.trim().split("\n");
    if (status !== 0) throw new ExecutableError(`the plugin cannot be installed: ${first}`);
    await addMark(binDir, hash);
    this.#identity = await this.#identityNow();
    return stdout.split("\n").filter((line) => /: (installed|kept)/.test(line));
  }

  /** True while nobody has removed or replaced what was installed. */
  async isThere(): Promise<boolean> {
    return this.#identity !== "" && this.#identity === (await this.#identityNow());
  }

  async #hasAny(): Promise<boolean> {
    const found = await stat(`${this.#folders.binDir}/pontoon`).catch(() => undefined);
    return found?.isFile() === true && found.size > 0 && (found.mode & 0o111) !== 0;
  }

  async #identityNow(): Promise<string> {
    const names = ["pontoon", "loopback"];
    const all = await Promise.all(
      names.map((name) => stat(`${this.#folders.binDir}/${name}`).catch(() => undefined)),
    );
    if (all.includes(undefined)) return "";
    return all.map((each) => `${each?.ino} ${each?.size} ${each?.mtimeMs} ${each?.mode}`).join("; ");
  }
}

/** Takes away what was installed: the plugin where an agent has put it, and our link. Gives what was done. */
export async function removePlugin(executable: Executable, binDir: string): Promise<string[]> {
  const folder = binDir.replace(/\/+$/, "");
  const plugin = `${folder}/pontoon`;
  const known = [...(await marksOf(folder)), await hashOf(executable.path)];
  const hash = await hashOf(plugin).catch(() => undefined);
  const lines: string[] = [];
  if (hash !== undefined && !known.includes(hash)) return [`${plugin}: kept, no agent has installed it`];
  if (await isOurLink(`${folder}/loopback`, plugin)) {
    await rm(`${folder}/loopback`);
    lines.push(`${folder}/loopback: removed`);
  }
  if (hash !== undefined) {
    await rm(plugin);
    lines.push(`${plugin}: removed`);
  }
  await rm(`${folder}/${MARK}`, { force: true });
  return lines;
}

async function isOurLink(path: string, plugin: string): Promise<boolean> {
  const [link, target] = await Promise.all(
    [lstat(path), lstat(plugin)].map((each) => each.catch(() => undefined)),
  );
  if (link === undefined) return false;
  if (link.isSymbolicLink()) return (await readlink(path)) === "pontoon";
  return target !== undefined && link.ino === target.ino && link.dev === target.dev;
}

async function marksOf(folder: string): Promise<string[]> {
  const text = await readFile(`${folder}/${MARK}`, "utf8").catch(() => "");
  return text.split("\n").filter((line) => /^[0-9a-f]{64}$/.test(line));
}

const MOST_MARKS = 20;

async function addMark(folder: string, hash: string): Promise<void> {
  const marks = await marksOf(folder);
  if (marks.at(-1) === hash) return;
  const text = [...marks.filter((each) => each !== hash), hash].slice(-MOST_MARKS).join("\n");
  const temporary = `${folder}/${MARK}.new`;
  const file = await open(temporary, "w", 0o644);
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, `${folder}/${MARK}`);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest("hex");
}
