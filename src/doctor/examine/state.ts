// The folders of state: an ADD has to be able to write a record and a lease.
import { CniError } from "../../cni/error.ts";
import { shellWord } from "../../host/difference.ts";
import { leaseDirectoryOf } from "../../ipam/lease-directory.ts";
import { checkLeaseDirectory } from "../../ipam/status.ts";
import { RECORD_ROOT } from "../../record/store.ts";
import { isErrno } from "../../sys/errno.ts";
import { readText } from "../../sys/file.ts";
import type { Context } from "../context.ts";
import { type Finding, merged, NODE } from "../finding.ts";

/** Folders in which nothing can be written, each file system once. */
export function examineState({ survey, netconfs }: Context): Finding[] {
  const ofPods = survey.attachments.map(({ attachment }) => attachment.leaseDirectory);
  const folders = new Set([RECORD_ROOT, ...ofPods, ...netconfs.map(leaseDirectoryOf)]);
  const findings = [...folders].flatMap((folder) => (folder === undefined ? [] : stateOf(folder)));
  return merged(findings.map((finding) => ({ ...finding, attachments: [] }))).map(
    ({ attachments: _, ...finding }) => finding,
  );
}

function stateOf(folder: string): Finding[] {
  try {
    checkLeaseDirectory(folder);
    return [];
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const isReadOnly = isErrno(error.cause, "EROFS");
    const mount = mountAbove(folder);
    const { cause, hint } = error.parts;
    return [
      {
        code: isReadOnly ? "readOnlyState" : "unwritableState",
        subject: NODE,
        severity: "error",
        sentence: isReadOnly
          ? `${mount} is mounted read-only, so no pod can start or be deleted`
          : `nothing can be written in ${folder}, so no pod can start`,
        proof: isReadOnly ? undefined : cause,
        cure: isReadOnly ? `mount -o remount,rw ${shellWord(mount)}` : undefined,
        advice: isReadOnly ? undefined : hint,
      },
    ];
  }
}

/** The place of the mount that a folder is on (proc_pid_mountinfo(5)); octal escapes stand for blanks. */
function mountAbove(folder: string): string {
  const places = readText("/proc/self/mountinfo")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((place) =>
      place.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    );
  const above = places.filter(
    (place) => place !== "" && (place === "/" || place === folder || folder.startsWith(`${place}/`)),
  );
  return above.sort((a, b) => b.length - a.length)[0] ?? "/";
}
