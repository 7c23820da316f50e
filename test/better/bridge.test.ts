// The bridge: its MAC, and its addresses on unusual nodes.
import { ipamOf, V6 } from "../differential/row.ts";
import { endOf, pings, proof, type Side } from "./proof.ts";

const TWICE = {
  config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "10.9.0.0/16" }, { dst: "10.9.0.0/16" }] } },
};

proof("D3: after a first ADD that failed, the next one succeeds, and the bridge has a MAC that stays", {
  play: async ({ call, world }) => {
    const broken = endOf(await call("ADD", { row: TWICE }));
    await call("DEL", { row: TWICE });
    const next = endOf(await call("ADD"));
    await call("DEL");
    await call("ADD");
    return { broken, next, macStays: await macStays({ world }) };
  },
  good: { broken: "refused", next: "done", macStays: true },
  bad: { broken: "refused", next: "refused", macStays: false },
});

proof(
  "D4: without a gateway, too, the bridge keeps its MAC when ports come, and CHECK has nothing to complain about",
  {
    row: { config: { isGateway: false } },
    play: async ({ add, call, world, red }) => {
      const prevResult = await add(red);
      return { macStays: await macStays({ world }), check: endOf(await call("CHECK", { prevResult })) };
    },
    good: { macStays: true, check: "done" },
    bad: { macStays: false, check: "refused" },
  },
);

proof("D11: on a node where IPv6 is off for new links, an IPv6 network works", {
  node: ["sysctl -qw net.ipv6.conf.default.disable_ipv6=1"],
  row: { config: { ipam: ipamOf(V6) } },
  play: async ({ call, red }) => ({ add: endOf(await call("ADD")), gateway: await pings(red, "fd01::1") }),
  good: { add: "done", gateway: true },
  bad: { add: "refused", gateway: false },
});

/** A port with the lowest MAC of all: a bridge whose MAC is nobody's choice takes it. */
async function macStays({ world: { host } }: Pick<Side, "world">): Promise<boolean> {
  const mac = async (): Promise<string> =>
    (await host.json<{ address: string }[]>("ip -j link show pods0"))[0]?.address ?? "";
  const before = await mac();
  await host.must("ip link add lowest address 00:00:5e:00:53:01 type veth peer name tsewol");
  await host.must("ip link set lowest master pods0 up");
  return (await mac()) === before;
}
