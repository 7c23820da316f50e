// The requests to the kernel in words, for a person who wants to see them.
import { listen } from "../netlink/listener.ts";

/**
 * From now on `say` gets a line for each netlink request of this process: what it asks for, and how it ended.
 */
export function traceRequests(say: (line: string) => void): void {
  listen((request, end) => say(`netlink: ${request}: ${end}`));
}
