// `pontoon doctor --trace`: the way of a packet, hop by hop, up to the first fault.
import { expect } from "vitest";
import type { FindingCode } from "../../src/doctor/code.ts";
import { add } from "../support/cni.ts";
import { doctorText, expectCodes, runDoctor } from "../support/doctor.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

interface Traced {
  status: number | undefined;
  reaches: boolean;
  hops: { passes: boolean; code?: FindingCode; sentence: string; cure?: string; proof?: string }[];
}

async function trace(world: World, from: string, to: string): Promise<Traced> {
  const { status, stdout } = await runDoctor(world, "--json", "--trace", from, to);
  const traced = JSON.parse(stdout) as Traced;
  expectCodes(traced.hops.flatMap(({ code, sentence }) => (code === undefined ? [] : [{ code, sentence }])));
  expect(traced.hops.every(({ passes, code }) => passes || code !== undefined)).toBe(true);
  return { ...traced, status };
}

/** A way that holds, or the sentence of its first fault. */
async function reach(world: World, from: string, to: string): Promise<string> {
  const { status, reaches, hops } = await trace(world, from, to);
  expect(status).toBe(reaches ? 0 : 1);
  expect(hops.slice(0, -1).every(({ passes }) => passes)).toBe(true);
  return reaches ? "reaches" : (hops.at(-1)?.sentence ?? "");
}

/** Two pods of a network, one of another network, and a way out. */
async function twoNetworks(world: World) {
  await addNeighbour(world);
  await world.host.must("ip route add default via 192.168.50.2");
  const pods = portNetwork(world, "pods");
  const pairs = install(world, ptpNetwork("pairs", { subnets: ["10.2.0.0/24"] }));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  await add(world, pods, red, portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]));
  await add(world, pods, blue);
  await add(world, pairs, green);
  return { red, blue, green };
}

scene(
  "ways that hold: to a pod beside it, to one of another network, outside, and in by a host port",
  async (world) => {
    const { red, green } = await twoNetworks(world);
    await using first = await serve(red, "tcp", "0.0.0.0", 80);
    await using second = await serve(green, "tcp", "0.0.0.0", 81);
    void [first, second];
    for (const [from, to] of [
      ["blue", "red:80"],
      ["red", "green:81"],
      ["green", "10.1.0.2"],
      ["red", "outside"],
      ["green", "192.168.50.2"],
      ["outside", ":8080"],
      ["192.168.50.2", "red:80"],
    ] as const)
      expect(await reach(world, from, to), `${from} to ${to}`).toBe("reaches");
    expect(await doctorText(world, "--trace", "outside", ":8080")).toMatch(
      /^outside to host port 8080\/tcp\n( {2}✓ .*\n)+$/,
    );
  },
);

scene("a way ends at the first fault, with its cure, and holds when that has run", async (world) => {
  const { red } = await twoNetworks(world);
  expect(await reach(world, "outside", ":8080")).toMatch(/listens on 80\/tcp$/);
  await using server = await serve(red, "tcp", "0.0.0.0", 80);
  void server;
  expect(await reach(world, "outside", ":8080")).toBe("reaches");
  expect(await reach(world, "outside", ":8081")).toBe("no pod has host port 8081/tcp");
  const harms: [harm: string, from: string, to: string, says: RegExp][] = [
    ["ip route del default", "red", "outside", /^the node has no route to hosts far away$/],
    ["sysctl -qw net.ipv4.ip_forward=0", "red", "outside", /^forwarding of IPv4 is switched off/],
    ["ip -n red route del default", "red", "green", /^the pod has no route to 0\.0\.0\.0\/0/],
    [
      "ip -n red neighbour replace 10.1.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
      "red",
      "outside",
      /^a static neighbour in the pod says/,
    ],
    [
      "nft delete table inet pontoon-ports",
      "outside",
      ":8080",
      /^the nftables table inet pontoon-ports, which leads host ports to pods, is missing/,
    ],
    [
      "nft delete table inet pontoon",
      "red",
      "outside",
      /^the nftables table inet pontoon, which masquerades, is missing/,
    ],
    [
      `${toolPath("iptables-nft")} -P FORWARD DROP`,
      "red",
      "outside",
      /^chain FORWARD of table ip filter drops the packet$/,
    ],
  ];
  for (const [harm, from, to, says] of harms) {
    await world.host.must(harm);
    expect(await reach(world, from, to)).toMatch(says);
    const cure = (await trace(world, from, to)).hops.at(-1)?.cure ?? "ip route add default via 192.168.50.2";
    await world.host.must([
      "sh",
      "-c",
      `PATH=$PATH:/run/world/bin:${toolPath("iptables-nft").replace(/\/[^/]*$/, "")}; ${cure}`,
    ]);
    expect(await reach(world, from, to), harm).toBe("reaches");
  }
});

scene(
  "pods with isolated ports do not reach each other, and a wire leads to its other pod alone",
  async (world) => {
    const pods = install(world, network("pods", { portIsolation: true }));
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.9.0.0/24" }]] };
    const wire = install(world, {
      cniVersion: "1.1.0",
      name: "wire",
      plugins: [{ type: "pontoon", attach: "wire", ipam }],
    });
    for (const name of ["red", "blue"]) await add(world, pods, await world.pod(name));
    for (const name of ["one", "two"]) await add(world, wire, await world.pod(name));
    expect(await reach(world, "red", "blue")).toMatch(/^both ports are isolated on pods0/);
    expect(await reach(world, "one", "two")).toBe("reaches");
    expect(await reach(world, "one", "red")).toMatch(
      /^the wire of network wire leads to its other pod alone/,
    );
  },
);

scene("words that mean nothing are refused", async (world) => {
  await twoNetworks(world);
  for (const args of [
    ["--trace", "red"],
    ["--trace", "red", "nobody"],
    ["--trace", ":8080", "red"],
    ["red", "blue"],
    ["nobody"],
  ]) {
    const { status, stdout, stderr } = await runDoctor(world, ...args);
    expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: "" });
    expect(stderr).not.toBe("");
  }
});

scene(
  "a probe is one packet from the pod, shows the rules that it meets and the answer, and leaves no table",
  async (world) => {
    const { red, green } = await twoNetworks(world);
    await using server = await serve(green, "tcp", "0.0.0.0", 81);
    void server;
    const before = await world.host.must("nft list ruleset");
    const probed = async (...ends: string[]) => {
      const { stdout } = await runDoctor(world, "--json", "--trace", "--probe", ...ends);
      const { probe } = JSON.parse(stdout) as {
        probe: { answer: string; rules: { place: string; verdict: string }[] };
      };
      expect(await world.host.must("nft list tables")).not.toContain("pontoon-probe");
      return probe;
    };
    expect((await probed("red", "green:81")).answer).toBe("answered");
    expect((await probed("red", "green:82")).answer).toBe("refused");
    expect((await probed("red", "green")).answer).toBe("answered");
    expect((await probed("red", "blue")).answer).toBe("answered");
    expect((await probed("red", "green:53/udp")).answer).toBe("refused");
    await world.host.must([
      "sh",
      "-c",
      `nft 'table inet mine { chain through { type filter hook forward priority 0; ip daddr 10.2.0.2 tcp dport 81 drop; }; }'`,
    ]);
    const { answer, rules } = await probed("red", "green:81");
    expect(answer).toBe("nothing");
    expect(rules).toContainEqual(expect.objectContaining({ place: "inet mine through", verdict: "drop" }));
    expect(await runDoctor(world, "--trace", "--probe", "red", "green:81")).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/✗ inet mine through: .*th dport 81 drop\n/),
    });
    await world.host.must("nft delete table inet mine");
    expect(await world.host.must("nft list ruleset")).toBe(before);
    expect(red.namespace).not.toBe("");
  },
  60_000,
);

scene("the table of a probe goes with its process, however that ends", async (world) => {
  await twoNetworks(world);
  const before = await world.host.must("nft list ruleset");
  const command = [`${PLUGIN_FOLDER}/pontoon`, "doctor", "--trace", "--probe", "red", "192.168.50.77:9"];
  const running = world.host.start(command);
  await waitFor("the table of the probe", async () =>
    (await world.host.must("nft list tables")).includes("pontoon-probe"),
  );
  await running.stop("SIGKILL");
  await waitFor(
    "no table of the probe",
    async () => !(await world.host.must("nft list tables")).includes("pontoon-probe"),
  );
  expect(await world.host.must("nft list ruleset")).toBe(before);
});
