// A bridge with the spanning tree protocol lets a new port wait: it listens and learns for a forward delay
// each.
import { expect } from "vitest";
import { addDirectly, addressOf } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";

/**
 * Seconds, less than the kernel's own 15: the port listens and learns for 12 in all, which is more than an
 * ADD waits for anything else.
 */
const FORWARD_DELAY_S = 6;

scene(
  "an ADD waits out a forward delay of several seconds, and the pod is reached at once when it returns",
  async (world) => {
    await world.host.must(`ip link add pods0 type bridge stp_state 1 forward_delay ${FORWARD_DELAY_S * 100}`);
    await world.host.must("ip link set pods0 up");
    const address = addressOf(
      await addDirectly(world, { network: network("pods"), pod: await world.pod("red") }),
    );
    expect(await pings(world.host, address)).toBe(true);
  },
  60_000,
);
