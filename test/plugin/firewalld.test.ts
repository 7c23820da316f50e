// Pods that get out although firewalld rejects what it forwards for interfaces that it does not know.
import { expect } from "vitest";
import { add, check, del, mustSucceed } from "../support/cni.ts";
import { startFirewalld, zoneOf } from "../support/firewalld.ts";
import { NODE_LOCK } from "../support/held.ts";
import { expectedTable, openStage, PORT_ARGS, reachTable, SUBNETS } from "../support/ingress.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod } from "../support/world.ts";

scene(
  "firewalld: pods get out from the first to the last, also after a reload and pontoon restore, which leaves nothing",
  async (world) => {
    const stage = await openStage(world, undefined, true);
    const { red, blue, green, neighbour } = stage;
    await using _firewalld = await startFirewalld(world);
    await world.host.must("firewall-cmd --zone=work --add-interface=uplink");
    await using _server = await serve(neighbour, "tcp", "::", 9090);
    const getsOut = async () =>
      (await connect(red, "192.168.50.2", 9090)) !== undefined &&
      (await connect(red, "fd50::2", 9090)) !== undefined;

    const plain = install(world, network("pods", { subnets: SUBNETS.pods }));
    await add(world, plain, red);
    expect(await getsOut()).toBe(false);
    await del(world, plain, red);
    expect(await world.host.must("nft list table inet firewalld")).not.toContain("pods0");

    const pods = install(
      world,
      network("pods", {
        subnets: SUBNETS.pods,
        ingressPolicy: "same-bridge",
        capabilities: { portMappings: true },
      }),
    );
    const others = install(
      world,
      network("others", { subnets: SUBNETS.others, ingressPolicy: "same-bridge" }),
    );
    await add(world, pods, red);
    const results = { blue: await add(world, pods, blue, PORT_ARGS), green: await add(world, others, green) };
    expect(await getsOut()).toBe(true);
    const table = expectedTable("same-bridge", "same-bridge", true);
    expect(await reachTable(stage, results, table)).toEqual(table);
    expect(await check(world, pods, red)).toBeUndefined();

    await world.host.must("firewall-cmd --reload");
    await world.host.must("firewall-cmd --zone=work --add-interface=uplink");
    expect(await zoneOf(world, "pods0")).toBe("no zone");
    expect(await getsOut()).toBe(false);
    expect(await check(world, pods, red)).toContain(
      "firewalld has pods0 in none of its zones, so it rejects packets of network pods",
    );
    expect(mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`)).stdout).toBe(
      "others: 1 attachment, 1 rule put back\npods: 2 attachments, 1 rule put back\n",
    );
    expect([await zoneOf(world, "pods0"), await getsOut()]).toEqual(["trusted", true]);

    await del(world, pods, red);
    expect(await zoneOf(world, "pods0")).toBe("trusted");
    await del(world, pods, blue, PORT_ARGS);
    await del(world, others, green);
    expect([await zoneOf(world, "pods0"), await zoneOf(world, "others0")]).toEqual(["no zone", "no zone"]);
    expect(await world.host.must("nft list table inet firewalld")).not.toMatch(/pods0|others0/);
    expect(await world.host.must("nft list tables")).not.toContain("pontoon-ingress");
  },
  90_000,
);

scene(
  "firewalld, pods without a bridge: each gets out by its own interface, also after a reload and pontoon restore, and takes it along",
  async (world) => {
    const { red, blue, neighbour } = await openStage(world, undefined, false);
    await using _firewalld = await startFirewalld(world);
    const letOut = () => world.host.must("firewall-cmd --zone=work --add-interface=uplink");
    await letOut();
    await using _server = await serve(neighbour, "tcp", "::", 9090);
    const getsOut = async (pod: Pod) =>
      (await connect(pod, "192.168.50.2", 9090)) !== undefined &&
      (await connect(pod, "fd50::2", 9090)) !== undefined;
    const wishes = { subnets: SUBNETS.pods, ingressPolicy: "isolated" };
    const pods = install(world, ptpNetwork("pods", wishes));
    for (const pod of [red, blue]) await add(world, pods, pod);
    const [first, second] = [await hostLinkOf(world, red), await hostLinkOf(world, blue)];
    expect([await getsOut(red), await getsOut(blue), await check(world, pods, red)]).toEqual([
      true,
      true,
      undefined,
    ]);
    await world.host.must("firewall-cmd --reload");
    await letOut();
    expect(await check(world, pods, red)).toContain(`firewalld has ${first} in none of its zones`);
    mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`));
    expect([await zoneOf(world, first), await zoneOf(world, second)]).toEqual(["trusted", "trusted"]);
    await del(world, pods, red);
    expect([await zoneOf(world, first), await zoneOf(world, second)]).toEqual(["no zone", "trusted"]);
    expect(await getsOut(blue)).toBe(true);
    await world.host.must("rm -r /var/lib/cni/pontoon/pods");
    await del(world, pods, blue);
    expect(await zoneOf(world, second)).toBe("no zone");
    expect(await world.host.must("nft list tables")).not.toContain("pontoon-ingress");
  },
  90_000,
);

scene(
  "firewalld, pods without a bridge: its program runs without the node's lock, and once for all that come back",
  async (world) => {
    const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
    await using _firewalld = await startFirewalld(world);
    const SEEN = "/run/world/seen";
    await world.host.must("mkdir -p /run/world/first");
    world.write(
      "/run/world/first/firewall-cmd",
      `#!/bin/sh\nflock -n ${NODE_LOCK} echo free >> ${SEEN} || echo held >> ${SEEN}\nexec ${toolPath("firewall-cmd")} "$@"\n`,
    );
    await world.host.must("chmod +x /run/world/first/firewall-cmd");
    const env = { PATH: `/run/world/first:${process.env["PATH"] ?? ""}` };
    const seen = async (action: () => Promise<unknown>): Promise<string[]> => {
      world.write(SEEN, "");
      await action();
      return world.read(SEEN).split("\n").filter(Boolean);
    };
    const pods = install(world, ptpNetwork("pods", { ingressPolicy: "isolated" }));
    for (const pod of [red, blue, green])
      expect(await seen(() => add(world, pods, pod, env))).toEqual(["free"]);
    await world.host.must("firewall-cmd --reload");
    const restore = () => world.host.must(`${PLUGIN_FOLDER}/pontoon restore`, { env });
    expect(await seen(restore)).toHaveLength(1);
    for (const pod of [red, blue, green])
      expect(await zoneOf(world, await hostLinkOf(world, pod))).toBe("trusted");
    for (const pod of [red, blue, green])
      expect(await seen(() => del(world, pods, pod, env))).toEqual(["free"]);
    expect(await world.host.must("nft list tables")).not.toContain("pontoon-ingress");
  },
  90_000,
);

for (const zone of ["internal", "trusted"])
  scene(
    `a bridge that the administrator put into a zone of his choice stays there: ${zone}`,
    async (world) => {
      const red = await world.pod("red");
      await using _firewalld = await startFirewalld(world);
      await world.host.must("ip link add pods0 type bridge");
      await world.host.must(`firewall-cmd --zone=${zone} --add-interface=pods0`);
      const pods = install(world, network("pods", { ingressPolicy: "open" }));
      await add(world, pods, red);
      expect(await zoneOf(world, "pods0")).toBe(zone);
      expect(await check(world, pods, red)).toBeUndefined();
      await del(world, pods, red);
      expect(await zoneOf(world, "pods0")).toBe(zone);
    },
    60_000,
  );
