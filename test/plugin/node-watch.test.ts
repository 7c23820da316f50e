// `pontoon node watch`: the kernel's events become lines for an agent, those of pods do not, and an agent
// that applies its wish at each line comes to rest.
import { existsSync, readFileSync } from "node:fs";
import { kill } from "node:process";
import { expect } from "vitest";
import { apply, mustApply, type WishJson } from "../support/cluster.ts";
import { mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import type { BackgroundProcess } from "../support/process.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const WATCH = [`${PLUGIN_FOLDER}/pontoon`, "node", "watch"];

/** A host with an uplink, a wish that it has applied, and the watching of it. */
async function watched(world: World): Promise<{ wish: WishJson; watch: BackgroundProcess }> {
  await world.host.must("ip link add eth0 type veth peer name far");
  for (const name of ["eth0", "far"]) await world.host.must(`ip link set ${name} up`);
  await world.host.must("ip address add 10.90.0.11/24 dev eth0");
  await world.host.must("ip address add fd90::11/64 dev eth0 nodad");
  const wish = {
    version: 1,
    podSubnets: ["10.244.1.0/24", "fd01:1::/64"],
    routes: [
      { subnet: "10.244.2.0/24", via: "10.90.0.12" },
      { subnet: "fd01:2::/64", via: "fd90::12" },
    ],
    tunnel: {
      kind: "vxlan",
      vni: 9,
      port: 8472,
      local: "10.90.0.11",
      peers: [{ subnets: ["10.244.3.0/24", "fd01:3::/64"], address: "10.91.0.13" }],
    },
    masquerade: { except: ["10.90.0.0/16"] },
  };
  await mustApply(world.host, wish);
  return { wish, watch: await start(world.host) };
}

/** Starts the watching with NET_ADMIN alone, and waits until it has begun. */
async function start(place: Place): Promise<BackgroundProcess> {
  const watch = place.start(
    ["setpriv", "--inh-caps=-all,+net_admin", "--bounding-set=-all,+net_admin", ...WATCH],
    { timeoutMs: 120_000 },
  );
  await watch.says('{"ready":true}\n');
  return watch;
}

function linesOf({ output }: BackgroundProcess): string[] {
  return output
    .split("\n")
    .slice(1, -1)
    .map((line) => (JSON.parse(line) as { changed: string }).changed);
}

let mtu = 60_000;

/** All lines up to now: waits for that of a change of this kind, which concerns nobody but the watching. */
async function linesUntilNow(
  place: Place,
  watch: BackgroundProcess,
  { from = 0, kind = "links" }: { from?: number; kind?: "links" | "rules" } = {},
): Promise<string[]> {
  const before = linesOf(watch).length;
  const change = { links: `ip link set lo mtu ${mtu--}`, rules: "nft add chain inet pontoon-node marker" };
  await place.must(change[kind]);
  await waitFor(`${kind} are told`, () => linesOf(watch).slice(before).includes(kind));
  const lines = linesOf(watch).slice(from);
  expect(lines.pop()).toBe(kind);
  return lines;
}

scene(
  "each change to what an apply has made is told at once by its kind",
  async (world) => {
    const { wish, watch } = await watched(world);
    await using _watch = watch;
    for (const [hurt, kinds] of [
      ["nft flush ruleset", ["rules"]],
      ["nft delete element inet pontoon-node except4 { 10.90.0.0-10.90.255.255 }", ["rules"]],
      ["nft add rule inet pontoon-node postrouting accept", ["rules"]],
      ["ip route delete 10.244.2.0/24", ["routes"]],
      ["ip -6 route delete fd01:3::/64", ["routes"]],
      ["ip route add 10.244.9.0/24 via 10.90.0.19 proto 180", ["routes"]],
      ["ip route add 10.92.0.0/16 dev eth0", ["routes"]],
      ["ip route delete 10.92.0.0/16 dev eth0", ["routes"]],
      ["ip link delete pontoon-vxlan", ["tunnel"]],
      ["ip link set pontoon-vxlan down", ["tunnel"]],
      ["ip link set pontoon-vxlan mtu 1300", ["tunnel"]],
      ["ip link set pontoon-vxlan type vxlan learning", ["tunnel"]],
      ["ip address flush dev pontoon-vxlan", ["tunnel"]],
      ["ip neighbour delete 10.244.3.0 dev pontoon-vxlan", ["tunnel"]],
      ["bridge fdb append 0e:58:00:00:00:99 dst 10.91.0.99 dev pontoon-vxlan", ["tunnel"]],
      ["ip link set eth0 down", ["links"]],
      ["ip link set eth0 up", ["links"]],
      ["ip link set eth0 mtu 1400", ["links"]],
      ["ip address add fd90::11/64 dev eth0 nodad", ["addresses"]],
      ["ip address add 192.0.2.1/24 dev eth0", ["addresses"]],
      ["ip address delete 192.0.2.1/24 dev eth0", ["addresses"]],
      ["sysctl -qw net.ipv4.ip_forward=0", ["forwarding"]],
      ["sysctl -qw net.ipv6.conf.all.forwarding=0", ["forwarding"]],
    ] as const) {
      const from = linesOf(watch).length;
      await world.host.must(hurt);
      await waitFor(`${hurt} is told`, () => linesOf(watch).slice(from).includes(kinds[0]), 1000);
      await apply(world.host, wish);
      await linesUntilNow(world.host, watch);
    }
  },
  60_000,
);

scene("an uplink that goes and comes again is told each time", async (world) => {
  const { wish, watch } = await watched(world);
  await using _watch = watch;
  await world.host.must("ip link delete eth0");
  await waitFor("its end is told", () => linesOf(watch).includes("addresses"));
  expect((await apply(world.host, wish)).refused.map(({ code }) => code)).toContain("noUplink");
  const from = (await linesUntilNow(world.host, watch)).length + 1;
  await world.host.must("ip link add eth0 type veth peer name far");
  await world.host.must("ip link set eth0 up");
  await world.host.must("ip address add 10.90.0.11/24 dev eth0");
  await waitFor("its return is told", () => linesOf(watch).slice(from).includes("addresses"));
});

scene("a device of another program that takes its route to a subnet along is told", async (world) => {
  const { wish, watch } = await watched(world);
  await using _watch = watch;
  const place = { subnet: "10.244.8.0/24", via: "10.90.0.18" };
  for (const end of ["ip link delete flannel.1", "ip link set flannel.1 down"]) {
    await world.host.must("ip link add flannel.1 type veth peer name far.1");
    await world.host.must("ip address add 10.244.1.0/32 dev flannel.1");
    for (const name of ["flannel.1", "far.1"]) await world.host.must(`ip link set ${name} up`);
    await world.host.must("ip route add 10.244.8.0/24 via 10.244.8.0 dev flannel.1 onlink");
    const bothWays = { ...wish, routes: [...wish.routes, place] };
    expect((await apply(world.host, bothWays)).refused.map(({ code }) => code)).toContain("foreignRoute");
    const from = (await linesUntilNow(world.host, watch)).length + 1;
    await world.host.must(end);
    await waitFor("it is told", () => linesOf(watch).slice(from).includes("links"));
    expect((await apply(world.host, bothWays)).refused).toEqual([]);
    await mustApply(world.host, wish);
    await world.host.exec("ip link delete far.1");
  }
});

scene(
  "200 pods that come and go, with and without a bridge, are none of it",
  async (world) => {
    const { watch } = await watched(world);
    await using _watch = watch;
    const networks = [
      install(world, network("pods", { subnets: ["10.244.1.0/24", "fd01:1::/64"] })),
      install(world, ptpNetwork("pairs", { subnets: ["10.66.0.0/24", "fd66::/64"] })),
    ];
    const places = [];
    for (let at = 0; at < 10; at++) places.push(await world.pod(`pod-${at}`));
    await Promise.all(
      places.map(async (pod, at) => {
        for (let round = 0; round < 20; round++) {
          const call = { network: networks[at % 2]!, pod, containerId: `c${at}-${round}` };
          const { stderr } = mustSucceed(await plugin(world, "ADD", call));
          expect(stderr).toBe("");
          mustSucceed(await plugin(world, "DEL", call));
        }
      }),
    );
    await world.host.must("nft add table inet pontoon-node2");
    await world.host.must("nft delete table inet pontoon");
    await world.host.must("ip neighbour add 10.90.0.99 lladdr 0e:58:00:00:00:99 dev eth0");
    await world.host.must("ip route add 10.244.9.0/24 via 10.90.0.19 table 77 proto 180");
    await world.host.must("ip link set eth0 alias uplink");
    expect(await linesUntilNow(world.host, watch, { kind: "rules" })).toEqual([]);
    expect(await linesUntilNow(world.host, watch)).toEqual(["rules"]);
  },
  120_000,
);

scene(
  "an agent that applies its wish at each line comes to rest",
  async (world) => {
    const { wish, watch } = await watched(world);
    await using _watch = watch;
    for (const hurt of [
      "nft flush ruleset",
      "ip link delete pontoon-vxlan",
      "ip route flush proto 180",
      "ip link set eth0 down",
      "ip link set eth0 up",
      "ip address add fd90::11/64 dev eth0 nodad",
      "sysctl -qw net.ipv4.ip_forward=0",
    ]) {
      let [seen, applies] = [linesOf(watch).length, 0];
      await world.host.must(hurt);
      await waitFor(`${hurt} is told`, () => linesOf(watch).length > seen);
      for (let isAtRest = false; !isAtRest; ) {
        seen = linesOf(watch).length;
        const { changed } = await apply(world.host, wish);
        applies++;
        isAtRest =
          changed.length === 0 && (await linesUntilNow(world.host, watch, { from: seen })).length === 0;
      }
      expect(applies, hurt).toBeLessThanOrEqual(4);
    }
    expect((await apply(world.host, wish)).refused).toEqual([]);
  },
  60_000,
);

scene("events that were lost are told as unknown, and what comes after them by its kind", async (world) => {
  const { watch } = await watched(world);
  await using _watch = watch;
  kill(watch.pid, "SIGSTOP");
  const many = Array.from({ length: 20_000 }, (_, at) => {
    const route = `10.${at >> 8}.${at & 255}.0/24`;
    return `route add blackhole ${route} table 77\nroute delete blackhole ${route} table 77\n`;
  });
  await world.host.must("ip -batch -", { stdin: many.join("") });
  kill(watch.pid, "SIGCONT");
  await watch.says('{"changed":"unknown"}');
  await world.host.must("ip route delete 10.244.2.0/24");
  await watch.says('{"changed":"routes"}');
  expect(linesOf(watch)).toEqual(["unknown", "routes"]);
});

scene("it ends without fault with its stdin, with its reader, and by SIGTERM", async (world) => {
  const ended = (pid: number): Promise<void> => waitFor("it has ended", () => !existsSync(`/proc/${pid}`));
  expect(await (await start(world.host)).finish()).toMatchObject({ status: 0, stderr: "" });
  await using told = await start(world.host);
  kill(told.pid, "SIGTERM");
  await ended(told.pid);
  expect(await told.finish()).toMatchObject({ status: 0, stdout: '{"ready":true}\n', stderr: "" });
  await using read = world.host.start(["sh", "-c", `${WATCH.join(" ")} | head -n 1; echo over`]);
  await read.says("over");
  expect(await world.host.exec(WATCH)).toMatchObject({ status: 0, stderr: "" });
});

scene("SIGTERM ends it while its reader sleeps and its stdin has more and more", async (world) => {
  // The pipe of stdout is full before the first line, and nobody reads it.
  const full = `mkfifo /run/full; exec 3<>/run/full
    dd if=/dev/zero of=/run/full bs=4096 count=16 oflag=nonblock 2>/dev/null
    yes | { exec 4<&0; ${WATCH.join(" ")} >/run/full 3<&- <&4 & echo "pid $!."; wait $!; echo "status $?."; }`;
  await using shell = world.host.start(["sh", "-c", full]);
  await shell.says(".");
  const pid = Number(/pid (\d+)\./.exec(shell.output)?.[1]);
  await waitFor("it holds SIGTERM and waits", () => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return /SigBlk:\t0*4000\n/.test(status) && /State:\tS/.test(status);
  });
  kill(pid, "SIGTERM");
  await waitFor("it has ended", () => shell.output.includes("status"));
  expect(shell.output).toContain("status 0.");
});

scene("it ends when its parent is killed", async (world) => {
  const parent = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.argv[1], ["node", "watch"], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdout.once("data", () => console.log("pid " + child.pid + "."));`;
  await using agent = world.host.start([process.execPath, "-e", parent, WATCH[0] ?? ""]);
  await agent.says(".");
  const pid = Number(/pid (\d+)\./.exec(agent.output)?.[1]);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  await agent.stop("SIGKILL");
  await waitFor("the child has ended", () => !existsSync(`/proc/${pid}`));
});
