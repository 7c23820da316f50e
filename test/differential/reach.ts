// Who reaches whom, by one ping each; all at once, because silence takes a second.
import type { World } from "../support/world.ts";
import type { Facts } from "./facts.ts";
import { NEIGHBOUR } from "./stage.ts";

/** A ping: its name, where it starts (undefined: the node), where it goes. */
interface Ping {
  what: string;
  from: "red" | "neighbour" | undefined;
  to: string;
}

/** Addresses and gateways as the results of the two ADDs name them. */
export interface Ends {
  red: string[];
  blue: string[];
  gateways: string[];
}

export async function reachFacts({ host }: World, ends: Ends, facts: Facts): Promise<void> {
  const pings = pingsOf(ends);
  if (pings.length === 0) return;
  const starts = [...new Set(pings.map(({ from }) => from))].map((from) => {
    const own = pings.map((ping, at) => ({ ...ping, at })).filter((ping) => ping.from === from);
    const script = `${own.map(({ to, at }) => `(ping -n -c 1 -W 1 ${to} > /dev/null 2>&1; echo ping ${at} $?) &`).join(" ")} wait`;
    return from === undefined ? `(${script}) &` : `nsenter --net=/run/netns/${from} sh -c '${script}' &`;
  });
  const sources = "nsenter --net=/run/netns/neighbour nft -j list table inet seen";
  const lines = (await host.must(["sh", "-c", `${starts.join("\n")}\nwait\n${sources}`])).trim().split("\n");
  for (const { groups } of lines
    .map((line) => /^ping (?<at>\d+) (?<status>\d+)$/.exec(line))
    .filter((match) => match !== null)) {
    facts.set(`reach.${pings[Number(groups?.["at"])]?.what}`, groups?.["status"] === "0" ? "yes" : "no");
  }
  const { nftables } = JSON.parse(lines.at(-1) ?? "") as {
    nftables: { set?: { name: string; elem?: string[] } }[];
  };
  for (const { set } of nftables)
    if (set !== undefined)
      facts.set(`reach.sources that the neighbour saw by ${set.name}`, (set.elem ?? []).toSorted().join(" "));
}

function pingsOf({ red, blue, gateways }: Ends): Ping[] {
  const families = new Set(
    red.map((address) => (address.includes(":") ? "v6" : "v4") as keyof typeof NEIGHBOUR),
  );
  return [
    ...gateways.map((to) => ({ what: `red reaches the gateway ${to}`, from: "red" as const, to })),
    ...blue.map((to) => ({ what: `red reaches blue at ${to}`, from: "red" as const, to })),
    ...red.map((to) => ({ what: `the node reaches red at ${to}`, from: undefined, to })),
    ...red.map((to) => ({ what: `the neighbour reaches red at ${to}`, from: "neighbour" as const, to })),
    ...[...families].map((family) => ({
      what: `red reaches the neighbour by ${family}`,
      from: "red" as const,
      to: NEIGHBOUR[family],
    })),
  ];
}
