// The mark that host's ends of pods without a bridge may be open to the node's 127.0.0.1: without it no call
// has to look for such ends among all links of the node. Functions throw SystemError.
import { O_CREAT, O_NOFOLLOW, O_WRONLY, removeFile, writeText } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import { RECORD_ROOT } from "./store.ts";

/** The file. Its name starts with a dot, which no network's name does. */
const OPENED = `${RECORD_ROOT}/.opened`;

export const opened = {
  /** Leaves the mark. The folder of records is there. A link in its place is ELOOP. */
  mark(): void {
    if (!opened.isMarked()) writeText(OPENED, "", O_WRONLY | O_CREAT | O_NOFOLLOW);
  },

  /** True when the mark is there. */
  isMarked(): boolean {
    return fileStatus(OPENED) !== undefined;
  },

  /** Removes the mark. The caller holds the node's lock, under which ends are opened. */
  forget(): void {
    removeFile(OPENED);
  },
};
