// Limits of bandwidth with the eyes of `tc`, and by traffic that is counted where it arrives.
import { fileURLToPath } from "node:url";
import type { Place } from "./place.ts";
import { waitFor } from "./wait.ts";

const FLOW = fileURLToPath(new URL("./flow.ts", import.meta.url));

interface Qdisc {
  kind: string;
  root?: boolean;
  options: { rate?: number; burst?: number; lat?: number };
}

/**
 * The token bucket on the way out of a link: bit/s, bytes, and how long a packet waits (us); undefined when
 * there is none.
 */
export async function bucketOf(
  place: Place,
  name: string,
): Promise<{ rate: number; burst: number; latencyUs: number } | undefined> {
  const qdiscs = await place.json<Qdisc[]>(`tc -j qdisc show dev ${name}`);
  const found = qdiscs.find(({ kind, root }) => kind === "tbf" && root === true);
  const { rate = 0, burst = 0, lat = 0 } = found?.options ?? {};
  return found && { rate: rate * 8, burst, latencyUs: lat };
}

/** The links that what `name` receives is redirected to. */
export async function redirectsOf(place: Place, name: string): Promise<string[]> {
  const filters = await place.json<{ options?: { actions?: { to_dev: string }[] } }[]>(
    `tc -j filter show dev ${name} ingress`,
  );
  return filters.flatMap(({ options }) => options?.actions?.map(({ to_dev }) => to_dev) ?? []);
}

/** The names of all ifbs of a place. */
export async function ifbsOf(place: Place): Promise<string[]> {
  return (await place.json<{ ifname: string }[]>("ip -j link show type ifb")).map(({ ifname }) => ifname);
}

/**
 * Both ends come before whatever else the machine does: a bucket of 10 ms is full before a program that waits
 * its turn sends again.
 */
const FIRST = ["nice", "-n", "-20"];

/**
 * bit/s on the wire, by TCP of two seconds, counted where it arrives. On a busy machine a receiver may be too
 * slow, never too fast: what is less than `least` is measured again, six times at most.
 */
export async function wireRate(
  from: Place,
  to: Place,
  address: string,
  port: number,
  least: number,
): Promise<number> {
  // Payload and whole frame of a full segment with timestamps, at an MTU of 1500.
  const overhead = 1514 / (address.includes(":") ? 1428 : 1448);
  let best = 0;
  for (let attempt = 1; attempt <= 6 && best < least; attempt += 1)
    best = Math.max(best, (await receivedRate(from, to, address, port)) * overhead);
  return best;
}

async function receivedRate(from: Place, to: Place, address: string, port: number): Promise<number> {
  await using sink = to.start([...FIRST, process.execPath, FLOW, "sink", address, String(port)]);
  await sink.says("listening");
  await using _source = from.start([
    ...FIRST,
    process.execPath,
    FLOW,
    "source",
    address,
    String(port),
    "2000",
  ]);
  await waitFor("the sink has counted", () => /received \d+/.test(sink.output), 15_000);
  return Number(/received (\d+)/.exec(sink.output)?.[1]);
}
