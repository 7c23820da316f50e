// Who reaches whom, over which protocol of which family, and which address the other end then sees. All at
// once, because silence takes a second or two.

import type { Facts } from "../differential/facts.ts";
import { addressOf, type CniResult, gatewayOf } from "../support/cni.ts";
import type { Neighbour } from "../support/neighbour.ts";
import type { Place } from "../support/place.ts";
import { ask, connect, serve } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

export interface Ends {
  world: World;
  neighbour: Neighbour;
  /** Has the host ports. */
  red: Pod;
  /** Of the same network. */
  blue: Pod;
  /** Of another network. */
  green: Pod;
  /** That of red. */
  result: CniResult;
}

/** One connection or datagram. */
interface Talk {
  what: string;
  from: Place;
  to: string;
  port: number;
}

/** Facts such as "tcp over v4 by the host port, from outside": what the other end said, or "no answer". */
export async function talkFacts(ends: Ends, facts: Facts): Promise<void> {
  const servers = await Promise.all(
    [ends.red, ends.neighbour.place].flatMap((place) => [
      serve(place, "tcp", "::", 80),
      serve(place, "udp", "::", 80),
    ]),
  );
  const talks = (["v4", "v6"] as const).flatMap((family) => talksOf(ends, family));
  const answers = await Promise.all(
    talks.flatMap(({ what, from, to, port }) => [
      twice(() => connect(from, to, port)).then((said) => ["tcp", what, said] as const),
      twice(() => ask(from, to, port)).then((said) => ["udp", what, said] as const),
    ]),
  );
  const gateways = [gatewayOf(ends.result), gatewayOf(ends.result, 1)];
  for (const [protocol, what, said = "no answer"] of answers) {
    facts.set(
      `${protocol} over ${what}`,
      gateways.reduce(
        (text, gateway) =>
          text.replace(new RegExp(`^red saw ${RegExp.escape(gateway)}$`), "red saw its gateway"),
        said,
      ),
    );
  }
  await Promise.all(servers.map((server) => server.finish()));
}

function talksOf({ world, neighbour, red, blue, green, result }: Ends, family: "v4" | "v6"): Talk[] {
  const at = family === "v4" ? 0 : 1;
  const host = family === "v4" ? neighbour.host4 : neighbour.host6;
  const outside = neighbour[family];
  const places: [string, Place][] = [
    ["outside", neighbour.place],
    ["the host", world.host],
    ["another pod", blue],
    ["another network's pod", green],
    ["itself", red],
  ];
  return [
    ...places.map(([name, from]) => ({
      what: `${family} by the host port, from ${name}`,
      from,
      to: host,
      port: 8080,
    })),
    {
      what: `${family} by the host port, from localhost`,
      from: world.host,
      to: family === "v4" ? "127.0.0.1" : "::1",
      port: 8080,
    },
    {
      what: `${family} by the host port at its gateway, from another pod`,
      from: blue,
      to: gatewayOf(result, at),
      port: 8080,
    },
    ...places.map(([name, from]) => ({
      what: `${family} by its own address, from ${name}`,
      from,
      to: addressOf(result, at),
      port: 80,
    })),
    ...(
      [
        ["red", red],
        ["a pod without host ports", blue],
      ] as const
    ).map(([name, from]) => ({
      what: `${family} to the outside, from ${name}`,
      from,
      to: outside,
      port: 80,
    })),
  ];
}

/** On a busy machine an answer may come too late; silence counts when it is there twice. */
async function twice(talk: () => Promise<string | undefined>): Promise<string | undefined> {
  return (await talk()) ?? talk();
}
