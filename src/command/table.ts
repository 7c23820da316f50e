// All commands that people type. A new command is a file beside this one, and a line here.
import type { Command } from "./command.ts";
import { withHelp } from "./help.ts";
import { install } from "./install.ts";
import { migrate } from "./migrate.ts";
import { restore } from "./restore.ts";
import { version } from "./version.ts";

/** In the order of `pontoon --help`. */
export const COMMANDS: readonly Command[] = withHelp([install, restore, migrate, version]);
