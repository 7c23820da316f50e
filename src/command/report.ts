// `pontoon report`: one archive for a report about a fault.

import { CniError } from "../cni/error.ts";
import { Node } from "../host/node.ts";
import { reportOf } from "../report/report.ts";
import { tarOf } from "../report/tar.ts";
import { CONFIGURATIONS } from "../survey/folder.ts";
import { takeSurvey } from "../survey/survey.ts";
import { epochMs, utcText } from "../sys/clock.ts";
import { isErrno } from "../sys/errno.ts";
import { O_CREAT, O_EXCL, O_WRONLY, openFile, removeFile } from "../sys/file.ts";
import { folderOf } from "../sys/path.ts";
import { writeBytes } from "../sys/stream.ts";
import { defineCommand } from "./command.ts";
import { Misuse } from "./misuse.ts";
import { bytesText, counted, needRoot } from "./text.ts";

export const report = defineCommand({
  name: "report",
  subject: "look",
  words: "[FILE]",
  summary: "puts all that a bug report needs into one tar",
  page: `Writes a tar archive with what is needed to find a fault: versions, records,
leases, the network configurations, what "pontoon node" has made, links,
addresses, routes and packet rules of the node, and of up to 50 pods the same
from inside. Programs of the node (ip, bridge, nft, iptables, tc) are asked
where they are there. Needs root; changes nothing but FILE, which must not be
there yet.

It has names and addresses of pods, and no secrets: of other plugins' entries in
a configuration only the type, no environment, no logs. Read it before you pass
it on.
`,
  options: {
    "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
  },
  examples: [
    ["report", "pontoon-report-TIME.tar in this folder"],
    ["report worker-1.tar", "another name"],
  ],
  completes: "file",
  run({ options, words }) {
    const now = epochMs();
    const [path = `pontoon-report-${utcText(now).replaceAll(/[:.]/g, "-")}.tar`, ...more] = words;
    if (more.length > 0 || path === "") throw new Misuse("name one file");
    if (path === "-") throw new Misuse("a report goes into a file, and none is named by -");
    needRoot("look at all of the node's network", "report");
    using node = Node.open();
    const survey = takeSurvey(node, { withProcesses: true });
    const entries = reportOf({ node, survey }, options["conf-dir"] ?? CONFIGURATIONS);
    const archive = tarOf(entries, now / 1000);
    write(path, archive);
    return { text: `${path}: ${counted(entries.length, "file")}, ${bytesText(archive.length)}\n` };
  },
});

function write(path: string, archive: Uint8Array): void {
  try {
    using file = openFile(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      writeBytes(file.fd, archive, path);
    } catch (error) {
      // A part of an archive helps nobody, and would be in the way of the next one.
      removeFile(path);
      throw error;
    }
  } catch (error) {
    if (isErrno(error, "EEXIST"))
      throw new CniError("ioFailure", { message: `${path} is there already`, hint: "Name another file" });
    if (isErrno(error, "ENOENT"))
      throw new CniError("ioFailure", {
        message: `there is no folder ${folderOf(path)}`,
        hint: "Make it, or name a file in another one",
      });
    throw error;
  }
}
