// `--remove`: all that the agent has made on this node goes.
import { removePlugin } from "./install.ts";
import type { Log } from "./log.ts";
import { Executable } from "./node/executable.ts";
import type { Settings } from "./settings.ts";
import { removeState } from "./state-folder.ts";

/** Takes all away: configuration, routes, tunnel and rules first, the plugin last. Gives the exit status. */
export async function removeAll(settings: Settings, log: Log): Promise<number> {
  const executable = new Executable(settings.pontoon, settings["conf-dir"]);
  try {
    const { changed, refused, notes } = await executable.remove();
    for (const { what, action } of changed) log.info("changed", `${what}: ${action}`);
    for (const { what, reason } of refused) log.error("refused", `${what}: ${reason}`);
    for (const { text } of notes) log.warn("note", text);
    for (const line of await removePlugin(executable, settings["bin-dir"])) log.info("changed", line);
    for (const line of await removeState(settings["network-name"])) log.info("changed", line);
    if (refused.length > 0) return 1;
    log.info("removed", "the node has nothing of Pontoon's any more");
    return 0;
  } catch (error) {
    log.error("remove-failed", (error as Error).message);
    return 1;
  }
}
