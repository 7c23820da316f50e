// The node on which a row is played: two pods without a network, and a neighbour on another wire that knows
// the way back to every pod and writes down from which addresses it is pinged.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "../support/wait.ts";
import { openWorld, Pod, type World } from "../support/world.ts";
import { SYSFS } from "./probe-files.ts";

export interface Stage extends AsyncDisposable {
  world: World;
  red: Pod;
  blue: Pod;
}

export const NEIGHBOUR = { v4: "192.168.50.2", v6: "fd50::2" };

const BUILD = `
  set -e
  ip -batch - <<END
    netns add red
    netns add blue
    netns add neighbour
    link add uplink type veth peer name wire netns neighbour
    link set uplink addrgenmode none up
    address add 192.168.50.1/24 dev uplink
    address add fd50::1/64 dev uplink nodad
END
  ip -n red link set lo up
  ip -n neighbour -batch - <<END
    link set wire addrgenmode none up
    address add ${NEIGHBOUR.v4}/24 dev wire
    address add ${NEIGHBOUR.v6}/64 dev wire nodad
    route add default via 192.168.50.1
    route add default via fd50::1
END
  nsenter --net=/run/netns/neighbour nft -f - <<END
    table inet seen {
      set v4 { type ipv4_addr; flags dynamic; }
      set v6 { type ipv6_addr; flags dynamic; }
      chain input {
        type filter hook input priority 0;
        icmp type echo-request add @v4 { ip saddr }
        icmpv6 type echo-request add @v6 { ip6 saddr }
      }
    }
END
  mkdir ${SYSFS}
  mount -t sysfs sysfs ${SYSFS}
`;

/** Builds it; `more` is run on the node after that. */
export async function setStage(more: string[] = []): Promise<Stage> {
  const world = await openWorld();
  await world.host.must(["sh", "-ec", [BUILD, ...more].join("\n")]);
  const holder = Number(world.hostNamespace.split("/")[2]);
  const pod = (name: string): Pod => new Pod(name, holder, `/run/netns/${name}`);
  return {
    world,
    red: pod("red"),
    blue: pod("blue"),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/**
 * The addresses of the node that are still checked for duplicates, link-local ones aside (if_inet6: address,
 * index, length, scope, flags).
 */
export function tentativeAddresses(world: World): string[] {
  const path = join(dirname(dirname(world.hostNamespace)), "net/if_inet6");
  const rows = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/));
  return rows
    .filter(([, , , scope, flags]) => scope === "00" && (parseInt(flags ?? "", 16) & 0x40) !== 0)
    .map(([address = ""]) => address);
}

/** Waits until the node's addresses are in use. */
export async function settle(world: World): Promise<void> {
  // It takes the kernel one to two seconds, and others work meanwhile.
  await waitFor(
    "the node's addresses are no longer tentative",
    () => tentativeAddresses(world).length === 0,
    10_000,
    50,
  );
}
