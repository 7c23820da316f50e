// CHECK: what it must see, and what is none of its business.
import { hostLinkOf } from "../support/link.ts";
import { endOf, proof } from "./proof.ts";

/** What breaks a pod's network, and what mends it. PORT is the pod's end on the node. */
const FAULTS: { [fault: string]: [harm: string, mend: string] } = {
  "the gateway's address is gone": [
    "ip address del 10.1.0.1/24 dev pods0",
    "ip address add 10.1.0.1/24 brd + dev pods0",
  ],
  "the bridge is down": ["ip link set pods0 down", "ip link set pods0 up"],
  "the host's end is down": ["ip link set PORT down", "ip link set PORT up"],
  "the host's end has a smaller MTU": ["ip link set PORT mtu 1300", "ip link set PORT mtu 1500"],
  "hairpin mode is on": ["bridge link set dev PORT hairpin on", "bridge link set dev PORT hairpin off"],
  "the port is isolated": ["bridge link set dev PORT isolated on", "bridge link set dev PORT isolated off"],
  "forwarding is off": ["sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"],
  "the rules are gone": ["nft flush ruleset", "true"],
};

proof("D5: CHECK sees what cuts a pod off", {
  row: { config: { ipMasq: true } },
  play: async ({ add, call, world, red }) => {
    const prevResult = await add(red);
    const port = await hostLinkOf(world, red);
    const seen: string[] = [];
    for (const [fault, [harm, mend]] of Object.entries(FAULTS)) {
      await world.host.must(harm.replace("PORT", port));
      if (endOf(await call("CHECK", { prevResult })) === "refused") seen.push(fault);
      await world.host.must(mend.replace("PORT", port));
    }
    return seen;
  },
  good: Object.keys(FAULTS),
  bad: [],
});

proof("D5: CHECK sees that the check of MAC addresses is gone", {
  row: { config: { macspoofchk: true } },
  play: async ({ add, call, world, red }) => {
    const prevResult = await add(red);
    const before = endOf(await call("CHECK", { prevResult }));
    await world.host.must("nft flush ruleset");
    return { before, after: endOf(await call("CHECK", { prevResult })) };
  },
  good: { before: "done", after: "refused" },
  bad: { before: "done", after: "done" },
});

proof(
  "D5: CHECK lets somebody watch the bridge, knows networks without addresses and routes in other tables",
  {
    play: async ({ add, call, world, red, blue }) => {
      const prevResult = await add(red);
      await world.host.must("ip link set pods0 promisc on");
      const watched = endOf(await call("CHECK", { prevResult }));
      await world.host.must("ip link set pods0 promisc off");
      const layer2 = { row: { config: { ipam: undefined, isGateway: false, bridge: "other0" } }, pod: blue };
      const layer2Check = endOf(await call("CHECK", { ...layer2, prevResult: await add(blue, layer2) }));
      const green = await world.pod("green");
      const inTable = {
        row: {
          config: {
            ipam: {
              type: "host-local",
              ranges: [[{ subnet: "10.1.0.0/24" }]],
              routes: [{ dst: "10.9.0.0/16", table: 100 }],
            },
          },
        },
        pod: green,
      };
      return {
        watched,
        layer2: layer2Check,
        inTable: endOf(await call("CHECK", { ...inTable, prevResult: await add(green, inTable) })),
      };
    },
    good: { watched: "done", layer2: "done", inTable: "done" },
    bad: { watched: "refused", layer2: "refused", inTable: "refused" },
  },
);
