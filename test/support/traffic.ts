// Talk between places: pings, connections, servers. A server answers with the address it saw, so that a test
// learns whether somebody on the way changed it.
import { fileURLToPath } from "node:url";
import type { Place } from "./place.ts";
import type { BackgroundProcess } from "./process.ts";

/** The program that `serve` starts; words behind its four arguments mean nothing to it. */
export const SERVER = fileURLToPath(new URL("./echo-server.ts", import.meta.url));

/** True when the first ping is answered. */
export async function pings(from: Place, address: string): Promise<boolean> {
  return (await from.exec(`ping -n -c 1 -W 1 ${address}`)).status === 0;
}

/**
 * True when several pings stay without an answer: a window in which nothing may come, so its length is a part
 * of the promise.
 */
export async function isSilent(from: Place, address: string): Promise<boolean> {
  const { stdout } = await from.exec(`ping -n -c 3 -i 0.1 -W 0.3 ${address}`);
  return stdout.includes(" 0 received");
}

/**
 * The number of the first ping that was answered, of twenty in a fifth of a second; undefined when none was.
 */
export async function firstAnswer(from: Place, address: string): Promise<number | undefined> {
  const { stdout } = await from.exec(`ping -n -i 0.01 -c 20 -W 1 ${address}`);
  const numbers = [...stdout.matchAll(/icmp_seq=(\d+) .*time=/g)].map(([, number]) => Number(number));
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

/**
 * Starts a server; `address` may be a wildcard. The answer to every connection or datagram is `<name> saw
 * <address>`.
 */
export async function serve(
  place: Place,
  protocol: "tcp" | "udp",
  address: string,
  port: number,
): Promise<BackgroundProcess> {
  const server = place.start([
    process.execPath,
    SERVER,
    protocol,
    address,
    String(port),
    place.name.replaceAll(" ", "-"),
  ]);
  await server.says("listening");
  return server;
}

/**
 * What the server at the other end says to a connection; undefined when there is none. `source` picks the own
 * address.
 */
export async function connect(
  from: Place,
  address: string,
  port: number,
  source?: string,
): Promise<string | undefined> {
  const own = source === undefined ? "" : `-s ${source} `;
  const { status, stdout } = await from.exec(`nc -n -w 2 ${own}${address} ${port}`);
  return status === 0 && stdout !== "" ? stdout.trim() : undefined;
}

/** What the server at the other end answers to a datagram; undefined when nothing comes within a second. */
export async function ask(from: Place, address: string, port: number): Promise<string | undefined> {
  const { stdout } = await from.exec(`nc -n -u -w 1 -W 1 ${address} ${port}`, { stdin: "hello" });
  return stdout === "" ? undefined : stdout.trim();
}
