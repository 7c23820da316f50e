// The network configuration for the runtime. A mark beside it has the hashes of what was written, so that a
// file of another program or person is never taken for ours: `.NAME.pontoon-node`, which no runtime reads.
import { textBytes } from "../sys/bytes.ts";
import { replaceDurably } from "../sys/durable-file.ts";
import {
  ensureDirectory,
  listDirectory,
  O_DIRECTORY,
  O_RDONLY,
  openFile,
  readTextOfAny,
  removeFile,
} from "../sys/file.ts";
import { sha256 } from "../sys/hash.ts";
import { baseName } from "../sys/path.ts";
import { fileIdentity, fileStatus } from "../sys/status.ts";
import type { Report } from "./report.ts";
import type { Conflist } from "./wish.ts";

const MARK = ".pontoon-node";

/** A configuration that has a mark: whether it is still as it was written. */
export interface MarkedConflist {
  path: string;
  state: "as written" | "changed by others" | "gone";
}

/** Makes the file as wished, last of all. One that is not ours stays, and is refused by name. */
export function ensureConflist({ path, content }: Conflist, report: Report): void {
  const what = titleOf(path);
  report.part(what, () => {
    const found = readTextOfAny(path);
    const known = marksOf(path);
    const hash = sha256(content);
    if (found === content && known.includes(hash)) return;
    if (found !== content && (found === undefined ? hasAnything(path) : !known.includes(sha256(found))))
      return report.refuse(
        what,
        "foreignConflist",
        "another program or person has written the file; it was left alone",
      );
    const before = found === undefined ? [] : [sha256(found)];
    // The mark comes first, with both hashes: whenever the call is killed, the file is known.
    const write = (): void => {
      ensureDirectory(folderOf(path));
      put(markPath(path), `${[...new Set([...before, hash])].join("\n")}\n`, 0o600);
      if (found !== content) put(path, content, 0o644);
    };
    if (found !== content) report.attempt({ what, action: found === undefined ? "added" : "changed" }, write);
    else if (!report.isDryRun) write();
  });
  noteEarlier(path, report);
}

/** Removes what was written under other paths in these folders; `wanted` stays, by whatever name of it. */
export function removeStale(folders: readonly string[], wanted: string | undefined, report: Report): void {
  if (!report.isDryRun) removeHalfMarks(folders);
  const mark = wanted === undefined ? undefined : fileIdentity(markPath(wanted));
  for (const { path, state } of markedIn(folders)) {
    if (path === wanted || (mark !== undefined && fileIdentity(markPath(path)) === mark)) continue;
    const what = titleOf(path);
    if (state === "changed by others")
      report.note("foreignConflist", `${what} has been changed since; it was left alone`);
    const remove = (): void => {
      removeFile(temporaryOf(path));
      if (state === "as written") removeFile(path);
      removeFile(markPath(path));
    };
    if (state === "as written") report.attempt({ what, action: "removed" }, remove);
    else if (!report.isDryRun) report.part(what, remove);
  }
}

/** The configurations in these folders that were written by an apply. Throws SystemError. */
export function markedIn(folders: readonly string[]): MarkedConflist[] {
  return [...new Set(folders)].flatMap((folder) =>
    listDirectory(folder)
      .filter((name) => name.startsWith(".") && name.endsWith(MARK) && name.length > MARK.length + 1)
      .sort()
      .map((name) => stateOf(`${folder === "/" ? "" : folder}/${name.slice(1, -MARK.length)}`)),
  );
}

function stateOf(path: string): MarkedConflist {
  const found = readTextOfAny(path);
  if (found === undefined && !hasAnything(path)) return { path, state: "gone" };
  const isOurs = found !== undefined && marksOf(path).includes(sha256(found));
  return { path, state: isOurs ? "as written" : "changed by others" };
}

/** The folder of a path, without a slash at its end but for the root. */
export function folderOf(path: string): string {
  return withoutSlash(path.slice(0, path.lastIndexOf("/")));
}

/** The path of a folder without slashes at its end; the root keeps its own. */
export function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, "") || "/";
}

function titleOf(path: string): string {
  return `conflist ${path}`;
}

function markPath(path: string): string {
  const at = path.lastIndexOf("/") + 1;
  return `${path.slice(0, at)}.${path.slice(at)}${MARK}`;
}

function marksOf(path: string): string[] {
  return (readTextOfAny(markPath(path)) ?? "").split("\n").filter((line) => line !== "");
}

function hasAnything(path: string): boolean {
  return fileStatus(path) !== undefined;
}

/** Writes a file in one rename; a killed call leaves a temporary file at most, which the next one removes. */
function put(path: string, text: string, mode: number): void {
  using folder = openFile(folderOf(path), O_RDONLY | O_DIRECTORY);
  const temporary = temporaryOf(path);
  removeFile(temporary);
  replaceDurably({ path, bytes: textBytes(text), mode }, folder, temporary);
}

/** The name under which a file is written before it gets its own: no runtime reads it. */
function temporaryOf(path: string): string {
  const at = path.lastIndexOf("/") + 1;
  return `${path.slice(0, at)}.${path.slice(at).replace(/^\./, "")}.new`;
}

/** Removes marks that a killed call had begun to write; it had not begun to write the file itself. */
function removeHalfMarks(folders: readonly string[]): void {
  for (const folder of folders)
    for (const name of listDirectory(folder))
      if (name.startsWith(".") && name.endsWith(`${MARK}.new`)) removeFile(`${folder}/${name}`);
}

/** Runtimes take the first file by name (libcni, ConfFiles). */
function noteEarlier(path: string, report: Report): void {
  const name = baseName(path);
  const first = listDirectory(folderOf(path))
    .filter((each) => /\.(conf|conflist|json)$/.test(each) && each < name)
    .sort()[0];
  if (first !== undefined)
    report.note(
      "firstConflist",
      `a runtime takes ${folderOf(path)}/${first} before ${name}, since its name comes first`,
    );
}
