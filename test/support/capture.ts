// Watching a wire with tcpdump.
import type { Place } from "./place.ts";
import type { BackgroundProcess } from "./process.ts";

/** Starts tcpdump on an interface and waits until it really listens. Its lines are in `output`. */
export async function capture(place: Place, link: string, filter = ""): Promise<BackgroundProcess> {
  const dump = place.start([
    "tcpdump",
    "-n",
    "-l",
    "--immediate-mode",
    "-i",
    link,
    ...filter.split(" ").filter(Boolean),
  ]);
  await dump.says("listening on");
  return dump;
}
