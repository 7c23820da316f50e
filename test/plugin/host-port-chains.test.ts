// compat.iptablesHostPortChains: what nerdctl reads of iptables, by which variant ever, from ADD to DEL.
import { expect } from "vitest";
import { add, addDirectly, addressOf, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { both, type PortWish, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { addPlugins } from "../support/ipam.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { iptablesVariants, natLines } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const NODE = "192.168.50.1";
const PORTS: PortWish[] = [
  ...both({ hostPort: 8080, containerPort: 80 }),
  { hostPort: 9090, containerPort: 80, protocol: "tcp", hostIP: NODE },
  { hostPort: 5000, hostPortEnd: 5019, containerPort: 6000, protocol: "udp" },
];
const ROW = Array.from({ length: 20 }, (_, at) => `:${5000 + at}`);

for (const at of [0, 1]) {
  const variant = ["nft", "legacy"][at];
  const open = async (world: World) => {
    const env = iptablesVariants(world)[at]!.env;
    const pods = portNetwork(world, "pods", {
      subnets: ["10.1.0.0/24", "fd01::/64"],
      compat: { iptablesHostPortChains: true },
    });
    const red = await world.pod("red");
    const call = { network: pods, pod: red, env, more: portConfig(PORTS) };
    return { env, pods, red, call };
  };

  scene(
    `${variant}: nerdctl finds the ports, DEL takes all of it away, and so does one without a record`,
    async (world) => {
      const { env, call } = await open(world);
      const before = await natLines(world);
      for (const harm of ["true", "rm -r /var/lib/cni/pontoon"]) {
        await addDirectly(world, call);
        expect(await portsThatNerdctlSees(world, env)).toEqual(
          [":8080", ":8080", `${NODE}:9090`, ...ROW].sort(),
        );
        // Of a row each port leads to one of the pod's own.
        expect(
          (await natLines(world)).flatMap(
            (line) => /--dport (50\d\d) .*:(\d+)"/.exec(line)?.slice(1).join(" to ") ?? [],
          ),
        ).toEqual(Array.from({ length: 20 }, (_, port) => `${5000 + port} to ${6000 + port}`));
        await world.host.must(harm);
        mustSucceed(await plugin(world, "DEL", call));
        expect(await natLines(world), harm).toEqual(before);
      }
    },
  );

  scene(
    `${variant}: connections go as without the chains, also where the reference leads them through`,
    async (world) => {
      const { env, call, red } = await open(world);
      const neighbour = await addNeighbour(world);
      await neighbour.place.must(`ip route add default via ${neighbour.host4}`);
      const address = addressOf(await addDirectly(world, call));
      await world.host.must(
        "iptables -t nat -I PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        { env },
      );
      await using _tcp = await serve(red, "tcp", address, 80);
      await using _udp = await serve(red, "udp", address, 80);
      expect(await talk(neighbour.place, NODE, 8080)).toBe(`red saw ${neighbour.v4}`);
      expect(await talk(red, NODE, 8080)).toBe("red saw 10.1.0.1");
      // The chain that the jump of others leads to stays.
      mustSucceed(await plugin(world, "DEL", call));
      expect(await world.host.must("iptables -t nat -S CNI-HOSTPORT-DNAT", { env })).toBe(
        "-N CNI-HOSTPORT-DNAT\n",
      );
    },
  );

  scene(`${variant}: CHECK says what is lost, restore and the next ADD bring it back`, async (world) => {
    const { env, call } = await open(world);
    const prevResult = await addDirectly(world, call);
    const whole = await natLines(world);
    const check = async () =>
      (await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } })).stdout;
    expect(await check()).toBe("");
    await world.host.must("iptables -t nat -F", { env });
    expect(await check()).toContain(
      "the chain of iptables by which other programs know of the host ports is missing or not whole",
    );
    await world.host.must([`${PLUGIN_FOLDER}/pontoon`, "restore"], { env });
    expect(await natLines(world)).toEqual(whole);
    expect(await check()).toBe("");
  });

  scene(
    `${variant}: GC takes away those of attachments that nobody knows, and leaves the reference's`,
    async (world) => {
      const { env, call, pods, red } = await open(world);
      addPlugins(world, "bridge", "host-local", "portmap");
      const chain = { ...network("pods", { type: "bridge", subnets: ["10.1.0.0/24"] }) };
      const [theirs, blue] = [await world.pod("theirs"), await world.pod("blue")];
      install(world, {
        ...chain,
        plugins: [
          ...chain.plugins,
          { type: "portmap", capabilities: { portMappings: true }, backend: "iptables" },
        ],
      });
      await add(world, chain, theirs, {
        ...env,
        CAP_ARGS: JSON.stringify({ portMappings: [{ hostPort: 7070, containerPort: 80, protocol: "tcp" }] }),
      });
      await addDirectly(world, {
        ...call,
        pod: blue,
        more: portConfig([{ hostPort: 7171, containerPort: 80 }]),
      });
      await addDirectly(world, call);
      await world.host.must("rm -r /var/lib/cni/pontoon");
      expect(await portsThatNerdctlSees(world, env)).toContain(":8080");
      mustSucceed(
        await plugin(world, "GC", {
          network: pods,
          env,
          more: { "cni.dev/valid-attachments": [theirs, blue].map(valid) },
        }),
      );
      expect(await portsThatNerdctlSees(world, env)).toEqual([":7070", ":7070", ":7070", ":7171"]);
      await world.removePod(red);
    },
  );
}

scene(
  "without the key nothing of it is made, and a host without iptables refuses it with a hint",
  async (world) => {
    const red = await world.pod("red");
    const pods = portNetwork(world, "pods");
    const before = await natLines(world);
    await addDirectly(world, { network: pods, pod: red, more: portConfig(PORTS) });
    expect(await natLines(world)).toEqual(before);
    const compat = portNetwork(world, "others", {
      subnets: ["10.2.0.0/24"],
      compat: { iptablesHostPortChains: true },
    });
    await world.host.must(["sh", "-c", `mount --bind /dev/null $(readlink -f ${toolPath("iptables")})`]);
    const error = mustFail(
      await plugin(world, "ADD", {
        network: compat,
        pod: await world.pod("blue"),
        env: { PATH: "/usr/bin:/bin" },
        more: portConfig([{ hostPort: 1, containerPort: 1 }]),
      }),
    );
    expect(error).toMatchObject({ code: 130, msg: "packet rules cannot be set: iptables is not there" });
    expect(error.details).toContain("Hint: Install the package iptables");
  },
);

/**
 * Read as nerdctl reads it (pkg/portutil/iptable): the chains that the first one's rules lead to;
 * `address:port` of each rule.
 */
async function portsThatNerdctlSees(world: World, env: Record<string, string>): Promise<string[]> {
  const list = async (chain: string): Promise<string[]> =>
    (await world.host.must(`iptables -t nat -S ${chain}`, { env })).trim().split("\n");
  const parents = await list("CNI-HOSTPORT-DNAT");
  const rules: string[] = [];
  for (const rule of parents) {
    const chain = / -j (CNI-DN-\S+)/.exec(rule)?.[1];
    if (chain !== undefined) rules.push(...(await list(chain)));
  }
  // A chain that two rules lead to is read twice.
  return [...new Set(rules.length === 0 ? parents : rules)]
    .flatMap((rule) => {
      const ports =
        /--dports ((,?\d+)+)/.exec(rule)?.[1]?.split(",") ?? /--dport (\d+)/.exec(rule)?.slice(1) ?? [];
      return ports.map((port) => `${/-d (\S+?)(?:\/\d+)?\s/.exec(rule)?.[1] ?? ""}:${port}`);
    })
    .sort();
}

const valid = ({ containerId }: Pod) => ({ containerID: containerId, ifname: "eth0" });
