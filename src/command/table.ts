// All commands that people type. A new command is a file beside this one, and a line here.
import { clean } from "./clean.ts";
import { cni } from "./cni.ts";
import type { Command } from "./command.ts";
import { completionOf } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { draw } from "./draw.ts";
import { explain } from "./explain.ts";
import { helpOf } from "./help.ts";
import { install } from "./install.ts";
import { ls } from "./ls.ts";
import { manOf } from "./man.ts";
import { metrics } from "./metrics.ts";
import { migrate } from "./migrate.ts";
import { node } from "./node.ts";
import { report } from "./report.ts";
import { restore } from "./restore.ts";
import { rm } from "./rm.ts";
import { script } from "./script.ts";
import { status } from "./status.ts";
import { trial } from "./try.ts";
import { validate } from "./validate.ts";
import { version } from "./version.ts";

/** In the order of `pontoon --help` within each subject. */
export const COMMANDS: readonly Command[] = [
  ls,
  status,
  doctor,
  draw,
  metrics,
  report,
  restore,
  validate,
  rm,
  clean,
  trial,
  cni,
  script,
  install,
  node,
  migrate,
  explain,
  helpOf(all),
  version,
  completionOf(all),
  manOf(all),
];

function all(): readonly Command[] {
  return COMMANDS;
}
