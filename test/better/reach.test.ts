// Who is reached, and how soon.
import { ipamOf, V6 } from "../differential/row.ts";
import { tentativeAddresses } from "../differential/stage.ts";
import { pings, proof } from "./proof.ts";

for (const { family, subnet, start, end } of [
  { family: "IPv4", subnet: "10.1.0.0/24", start: "10.1.0.2", end: "10.1.0.3" },
  { family: "IPv6", subnet: V6, start: "fd01::2", end: "fd01::3" },
]) {
  proof(
    `D1: ${family}: a reused address is reached at once, by the node and by a pod that knew its last owner`,
    {
      row: {
        config: { ipam: { type: "host-local", ranges: [[{ subnet, rangeStart: start, rangeEnd: end }]] } },
      },
      play: async ({ add, del, settle, world, red, blue }) => {
        await add(blue);
        await add(red);
        await settle();
        const known = [await pings(world.host, end), await pings(blue, end)];
        await del(red);
        const green = await world.pod("green");
        await add(green);
        const [byNode, byPod] = await Promise.all([pings(world.host, end), pings(blue, end)]);
        return { known, byNode, byPod };
      },
      good: { known: [true, true], byNode: true, byPod: true },
      bad: { known: [true, true], byNode: false, byPod: false },
    },
  );
}

proof("D2: the first pod of a node reaches its IPv6 gateway when ADD returns", {
  // Looks for duplicates of the node's addresses take 30 s, so none of them ends between ADD and the ping.
  node: ["sysctl -qw net.ipv6.conf.default.dad_transmits=30"],
  row: { config: { ipam: ipamOf(V6) } },
  play: async ({ add, red, world }) => {
    await add(red);
    return { tentative: tentativeAddresses(world).length, answers: await pings(red, "fd01::1") };
  },
  good: { tentative: 0, answers: true },
  bad: { tentative: 1, answers: false },
});

proof("D22: on a bridge with the spanning tree protocol, a pod is connected when ADD returns", {
  node: ["ip link add name pods0 type bridge stp_state 1 forward_delay 400", "ip link set pods0 up"],
  play: async ({ add, red }) => {
    await add(red);
    return pings(red, "10.1.0.1");
  },
  good: true,
  bad: false,
});
