// Routes of the pod, and of the node.
import { fileURLToPath } from "node:url";
import { ipamOf, V6 } from "../differential/row.ts";
import { waitFor } from "../support/wait.ts";
import { Pod } from "../support/world.ts";
import { endOf, proof } from "./proof.ts";

const SCRIPT = fileURLToPath(new URL("./advertise-once.ts", import.meta.url));

proof("D7: mtu and advmss of a route reach the kernel", {
  row: {
    config: { ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "10.9.0.0/16", mtu: 1300, advmss: 1200 }] } },
  },
  play: async ({ add, red }) => {
    await add(red);
    const [route] = await red.json<{ metrics?: object[] }[]>("ip -j route show 10.9.0.0/16");
    return route?.metrics;
  },
  good: [{ mtu: 1300, advmss: 1200 }],
  bad: undefined,
});

proof("D8: isDefaultGateway goes together with a default route that names no gateway", {
  row: { config: { isDefaultGateway: true } },
  play: async ({ call, red }) => ({
    add: endOf(await call("ADD")),
    routes: (await red.must("ip route show default")).trim(),
  }),
  good: { add: "done", routes: "default via 10.1.0.1 dev eth0" },
  bad: { add: "refused", routes: "default via 10.1.0.1 dev eth0" },
});

proof("D9: a pod takes no default route from a neighbour on the bridge that says it is a router", {
  play: async ({ add, red, world }) => {
    await add(red);
    const [router, witness] = [await world.pod("router"), await world.pod("witness")];
    for (const [at, node] of [router, witness].entries()) {
      await world.host.must(
        `ip link add name port${at} master pods0 type veth peer name eth0 netns ${node.name}`,
      );
      await world.host.must(`ip link set port${at} up`);
      await node.must("sysctl -qw net.ipv6.conf.eth0.accept_dad=0");
      await node.must("ip link set eth0 up");
    }
    const routes = (node: Pod): Promise<string> => node.must("ip -6 route show default proto ra");
    await waitFor("another node on the bridge has heard the router", async () => {
      await router.exec([process.execPath, SCRIPT, "eth0"]);
      return (await routes(witness)) !== "";
    });
    return (await routes(red)) === "";
  },
  good: true,
  bad: false,
});

proof("D10: the node keeps the default route that a router told it of", {
  node: [
    "ip link add name ra0 type veth peer name ra1 netns neighbour",
    "ip netns exec neighbour sysctl -qw net.ipv6.conf.ra1.accept_dad=0",
    "sysctl -qw net.ipv6.conf.ra0.accept_ra=1",
    "ip link set ra0 up",
    "ip -n neighbour link set ra1 up",
  ],
  row: { config: { ipam: ipamOf(V6) } },
  play: async ({ add, red, world }) => {
    const holder = Number(world.hostNamespace.split("/")[2]);
    const router = new Pod("neighbour", holder, "/run/netns/neighbour");
    const routes = async (): Promise<string> =>
      (await world.host.must("ip -6 route show default dev ra0")).trim();
    await waitFor("the node has heard the router", async () => {
      await router.exec([process.execPath, SCRIPT, "ra1"]);
      return (await routes()) !== "";
    });
    await add(red);
    return (await routes()) !== "";
  },
  good: true,
  bad: false,
});
