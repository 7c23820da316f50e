// Where the programs that the tests need are: the repository's own first, then those of the machine.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * PATH inside a test: the system's own folders only, so that no program of the person at the keyboard shadows
 * one.
 */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The full path of a program. A missing one is an error, never a reason to skip a test. */
export function toolPath(name: string): string {
  const folders = [
    join(REPOSITORY, ".tools/bin"),
    ...SYSTEM_PATH.split(":"),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  const found = firstExecutable(folders, name) ?? firstExecutable(goFolders(), name);
  if (found === undefined)
    throw new Error(
      `The program "${name}" is missing. Hint: run scripts/setup --test, it installs what the tests need.`,
    );
  return found;
}

function firstExecutable(folders: string[], name: string): string | undefined {
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function goFolders(): string[] {
  const { stdout } = spawnSync("go", ["env", "GOPATH"], { encoding: "utf8", timeout: 10_000 });
  return (stdout ?? "")
    .trim()
    .split(":")
    .filter(Boolean)
    .map((folder) => join(folder, "bin"));
}
