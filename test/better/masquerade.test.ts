// Masquerading of several interfaces, and what stays of rules.

import { NEIGHBOUR } from "../differential/stage.ts";
import { hostLinkOf } from "../support/link.ts";
import { endOf, pings, proof, type Side } from "./proof.ts";

const POOL = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
const MASQUERADED = { config: { ipMasq: true, ipam: POOL } };
const GUARDED = { config: { ipMasq: true, macspoofchk: true, ipam: POOL } };

proof("D15: two interfaces of one pod on one network are masqueraded each for itself", {
  row: MASQUERADED,
  play: async ({ add, call, red, world }) => {
    await add(red);
    await add(red, { interfaceName: "eth1" });
    const del = endOf(await call("DEL"));
    await red.must("ip route add default via 10.1.0.1 dev eth1");
    // Without a way back to pods, an answer means that the neighbour saw the node's address.
    await world.host.must("ip netns exec neighbour ip route del default");
    return { del, masqueraded: await pings(red, NEIGHBOUR.v4) };
  },
  good: { del: "done", masqueraded: true },
  bad: { del: "refused", masqueraded: false },
});

proof("D15: DEL of a pod with addresses of two subnets succeeds", {
  row: {
    config: {
      ipMasq: true,
      isGateway: false,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }]] },
    },
  },
  play: async ({ add, call, red }) => {
    await add(red);
    return endOf(await call("DEL"));
  },
  good: "done",
  bad: "refused",
});

for (const [name, vanish, netns] of [
  ["an empty CNI_NETNS", "true", ""],
  ["a namespace that is gone", "ip netns delete red", undefined],
  ["an interface that is gone", "ip -n red link del eth0", undefined],
] as const) {
  proof(`L3: DEL with ${name} leaves no rules`, {
    row: GUARDED,
    play: async (side) => {
      await side.add(side.red);
      const port = await hostLinkOf(side.world, side.red);
      const before = (await rulesAbout(side, port)) > 0;
      await side.world.host.must(vanish);
      const del = endOf(await side.call("DEL", netns === undefined ? {} : { netns }));
      return { before, del, left: (await rulesAbout(side, port)) > 0 };
    },
    good: { before: true, del: "done", left: false },
    bad: { before: true, del: "done", left: true },
  });
}

proof("L5: an ADD whose answer nobody could read leaves no rules, no link and no lease", {
  row: MASQUERADED,
  play: async (side) => {
    const add = endOf(await side.call("ADD", { through: ["sh", "-c", '"$@" > /dev/full', "sh"] }));
    return {
      add,
      rules: (await rulesAbout(side, "eth0")) > 0,
      link: (await side.red.exec("ip link show eth0")).status === 0,
      lease: side.world.has("/var/lib/cni/networks/pods/10.1.0.2"),
    };
  },
  good: { add: "refused", rules: false, link: false, lease: false },
  bad: { add: "refused", rules: true, link: true, lease: true },
});

/** Rules, chains and elements that name the pod: its address, its container id or its port. */
async function rulesAbout({ world, red }: Side, port: string): Promise<number> {
  const lines = (await world.host.must("nft list ruleset")).split("\n");
  return lines.filter((line) => [red.containerId, "10.1.0.2", port].some((word) => line.includes(word)))
    .length;
}
