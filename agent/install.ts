// The executable where the runtime looks for plugins, and its way back.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readFile, readlink, rename, rm } from "node:fs/promises";
import { type Executable, ExecutableError } from "./node/executable.ts";

/** Beside the plugin: the hashes of what agents have installed, so that a removal takes nothing of others. */
const MARK = ".pontoon.agent";

/**
 * Installs the executable and the link `loopback`, by `pontoon install`, which compares, writes beside the
 * place, brings to the disk and renames. Gives what was done, one line each. Throws ExecutableError.
 */
export async function installPlugin(
  executable: Executable,
  { binDir, confDir }: { binDir: string; confDir: string },
): Promise<string[]> {
  const hash = await hashOf(executable.path);
  const folder = binDir.replace(/\/+$/, "");
  const { status, stdout, stderr } = await executable.call([
    "install",
    "--bin-dir",
    folder,
    "--conf-dir",
    confDir,
  ]);
  const [first = "it said nothing"] = stderr.trim().split("\n");
  if (status !== 0) throw new ExecutableError(`the plugin cannot be installed: ${first}`);
  await addMark(folder, hash);
  return stdout.split("\n").filter((line) => line !== "" && !line.endsWith(": already there"));
}

/** True when the runtime's folder has the very executable of the image. */
export async function isInstalled(executable: Executable, binDir: string): Promise<boolean> {
  const installed = await hashOf(`${binDir}/pontoon`).catch(() => "");
  return installed === (await hashOf(executable.path));
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
