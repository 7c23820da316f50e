// `pontoon try`: what it measures is true, and it leaves nothing.
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { pontoon, pontoonMust } from "../support/by-person.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install } from "../support/network.ts";
import type { BackgroundProcess } from "../support/process.ts";
import { WAYS } from "../support/ptp.ts";
import { asReference } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { wireNetwork } from "../support/wire.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const DUAL = { subnets: ["10.1.0.0/24", "fd01::/64"], capabilities: { portMappings: true } };

/** A node with a way out, whose gateway answers. */
async function withWayOut(world: World): Promise<void> {
  const { v4, v6 } = await addNeighbour(world);
  await world.host.must(`ip route add default via ${v4}`);
  await world.host.must(`ip -6 route add default via ${v6}`);
}

/** The sign and the text of each line, host ports without their number. */
const signs = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/host port \d+/, "host port N"));

/** Nothing of a trial is left on the node. */
async function expectNothing(world: World): Promise<void> {
  expect((await snapshot(world)).attachments.lines).toEqual([]);
  expect(await world.host.must("ip netns list")).not.toContain("try-");
  expect(await world.host.must(["sh", "-c", "ls /var/lib/cni/results 2>/dev/null || true"])).toBe("");
}

for (const { way, networkOf } of WAYS) {
  scene(`${way}: what works is seen to work, over both families`, async (world) => {
    await withWayOut(world);
    install(world, networkOf("pods", DUAL));
    const { status, stdout, stderr } = await pontoon(world, "try pods");
    expect(signs(stdout)).toEqual([
      "✓ attached by ADD: pontoon-try-1 10.1.0.2 fd01::2; pontoon-try-2 10.1.0.3 fd01::3",
      "✓ the gateway 10.1.0.1 answers",
      "✓ the gateway fd01::1 answers",
      "✓ pods reach each other: 10.1.0.2 and 10.1.0.3",
      "✓ pods reach each other: fd01::2 and fd01::3",
      "✓ outside over IPv4: the node's gateway 192.168.50.2 answers",
      "✓ outside over IPv6: the node's gateway fd50::2 answers",
      "✓ packets of 1500 bytes reach 10.1.0.1 undivided",
      "✓ packets of 1500 bytes reach fd01::1 undivided",
      "✓ packets of 1500 bytes reach 10.1.0.3 undivided",
      "✓ packets of 1500 bytes reach fd01::3 undivided",
      "✓ host port N leads to port 80 of the pod over IPv4",
      "✓ host port N leads to port 80 of the pod over IPv6",
      "✓ all is taken down again by DEL",
    ]);
    expect([status, stderr]).toEqual([0, ""]);
    await expectNothing(world);
  });

  scene(
    `${way}: what a firewall drops is seen, and all is taken down all the same`,
    async (world) => {
      install(world, networkOf("pods", DUAL));
      for (const rule of [
        "add table inet broken",
        "add chain inet broken input { type filter hook input priority 0 ; }",
        "add chain inet broken prerouting { type filter hook prerouting priority -400 ; }",
        "add rule inet broken input icmp type echo-request drop",
        "add rule inet broken input meta nfproto ipv6 meta length > 1000 drop",
        "add rule inet broken prerouting tcp dport 20000-29999 meta nfproto ipv4 drop",
      ])
        await world.host.must(["nft", rule]);
      const { status, stdout } = await pontoon(world, "try pods");
      expect(status).toBe(1);
      const failed = signs(stdout).filter((line) => line.startsWith("✗"));
      expect(failed).toEqual([
        "✗ the gateway 10.1.0.1 answers: no answer",
        "✗ packets of 1500 bytes reach 10.1.0.1 undivided: no answer",
        "✗ packets of 1500 bytes reach fd01::1 undivided: no answer",
        "✗ host port N leads to port 80 of the pod over IPv4: no connection arrives",
      ]);
      expect(stdout).toContain("- outside over IPv4: the node itself has no default gateway\n");
      expect(stdout).toContain("✓ all is taken down again by DEL\n");
      await expectNothing(world);
    },
    60_000,
  );

  scene(`${way}: pods that are to be kept apart are seen to be`, async (world) => {
    install(world, networkOf("pods", { ...DUAL, ingressPolicy: "isolated" }));
    const { status, stdout } = await pontoon(world, "try pods");
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining("✓ pods are kept apart: fd01::2 and fd01::3"),
    ]);
    expect(signs(stdout)).toContain("✓ host port N leads to port 80 of the pod over IPv6");
  });
}

scene("the packets of the MTU may really not be divided", async (world) => {
  install(world, WAYS[0]!.networkOf("pods", { ...DUAL, subnets: ["10.1.0.0/24"] }));
  await world.host.must(["nft", "add table inet broken"]);
  await world.host.must(["nft", "add chain inet broken input { type filter hook input priority 0 ; }"]);
  const divisible = "ip frag-off & 0x4000 == 0 meta length > 1000 drop";
  await world.host.must(["nft", `add rule inet broken input ${divisible}`]);
  expect((await pontoon(world, "try pods")).stdout).toContain(
    "✓ packets of 1500 bytes reach 10.1.0.1 undivided",
  );
  const undivided = "ip frag-off & 0x4000 != 0 meta length >= 1500 drop";
  await world.host.must(["nft", `add rule inet broken input ${undivided}`]);
  expect((await pontoon(world, "try pods")).stdout).toContain(
    "✗ packets of 1500 bytes reach 10.1.0.1 undivided",
  );
});

scene("an ADD that is refused is the finding, and nothing is left", async (world) => {
  install(world, WAYS[0]!.networkOf("pods", { ...DUAL, subnets: ["10.1.0.0/30"] }));
  const { status, stdout } = await pontoon(world, "try pods");
  expect([status, stdout]).toEqual([
    1,
    expect.stringMatching(/^✗ plugin pontoon refused ADD with code 100: /),
  ]);
  await expectNothing(world);
});

scene(
  "what a killed trial has left goes at the next one",
  async (world) => {
    install(world, WAYS[0]!.networkOf("pods", DUAL));
    // No gateway answers, so the trial waits with its pods up.
    await world.host.must(["nft", "add table inet broken"]);
    await world.host.must([
      "nft",
      "add chain inet broken input { type filter hook input priority 0 ; policy drop ; }",
    ]);
    {
      await using killed = world.host.start(
        "/run/world/bin/pontoon try pods --conf-dir /run/world/net.d --bin-dir /nowhere",
      );
      const cache = ["sh", "-c", "ls /var/lib/cni/results 2>/dev/null || true"];
      await waitFor("both pods are attached", async () =>
        (await world.host.must(cache)).includes("pontoon-try-2"),
      );
      const other = await pontoon(world, "try pods");
      expect([other.status, other.stderr]).toEqual([1, expect.stringContaining("another trial is running")]);
      await killed.stop();
    }
    expect(await world.host.must("ip netns list")).toContain("pontoon-try-1");
    await world.host.must("nft delete table inet broken");
    expect(await pontoonMust(world, "try pods")).toContain("✓ all is taken down again by DEL\n");
    await expectNothing(world);
  },
  60_000,
);

/** A trial whose pods are up and whose gateway does not answer, ended by `end`, and what it said. */
async function interrupted(
  world: World,
  command: string[],
  end: (trial: BackgroundProcess) => unknown,
): Promise<string> {
  install(world, WAYS[0]!.networkOf("pods", DUAL));
  await world.host.must([
    "nft",
    "table inet broken { chain input { type filter hook input priority 0; policy drop; }; }",
  ]);
  const before = await world.host.must("ip -brief link show type veth");
  await using trial = world.host.start(command);
  await waitFor("both pods are attached", async () =>
    (await world.host.must(["sh", "-c", "ls /var/lib/cni/results 2>/dev/null || true"])).includes(
      "pontoon-try-2",
    ),
  );
  await end(trial);
  await trial.says("all is taken down again by DEL", 20_000);
  await trial.finish();
  await expectNothing(world);
  expect(await world.host.must("ip -brief link show type veth")).toBe(before);
  expect(await world.host.must("ls /var/lib/cni/networks/pods")).not.toContain("10.1.0.");
  return trial.output;
}

const TRIAL = "/run/world/bin/pontoon try pods --conf-dir /run/world/net.d --bin-dir /nowhere";

scene(
  "Ctrl-C on a terminal ends a trial, and nothing is left",
  async (world) => {
    const onTerminal = ["script", "--quiet", "--return", "--command", TRIAL, "/dev/null"];
    const said = await interrupted(world, onTerminal, (trial) => trial.write("\x03"));
    expect(said).toContain("the trial was interrupted");
  },
  60_000,
);

for (const signal of ["INT", "TERM"])
  scene(
    `SIG${signal} to a trial and all that it runs ends it, and nothing is left`,
    async (world) => {
      const inGroup = ["setsid", "--wait", "sh", "-c", `echo $$ > /run/trial; exec ${TRIAL}`];
      const said = await interrupted(world, inGroup, () =>
        world.host.must(["sh", "-c", `kill -${signal} -$(cat /run/trial)`]),
      );
      expect(said).toContain("the trial was interrupted");
    },
    60_000,
  );

/** A plugin that never comes back, with a child that does neither; both and its verbs stand in a file. */
const HANGS = `#!/bin/sh
tail -f /dev/null &
echo "$CNI_COMMAND $$ $!" >> /run/hanging
wait
`;

scene(
  "Ctrl-C does not wait for a plugin that hangs: it is ended with its children, and the pods go",
  async (world) => {
    writeFileSync(world.outside(`${PLUGIN_FOLDER}/hangs`), HANGS, { mode: 0o755 });
    const pods = WAYS[0]!.networkOf("pods", DUAL);
    install(world, { ...pods, plugins: [...pods.plugins, { type: "hangs" }] });
    const hanging = async (): Promise<string> =>
      world.host.must(["sh", "-c", "cat /run/hanging 2>/dev/null || true"]);
    const command = `echo $$ > /run/trial; exec ${TRIAL.replace("/nowhere", PLUGIN_FOLDER)}`;
    await using trial = world.host.start(["sh", "-c", command], { timeoutMs: 60_000 });
    await waitFor("the plugin hangs", async () => (await hanging()).includes("ADD"));
    await world.host.must(["sh", "-c", "kill -INT $(cat /run/trial)"]);
    // The plugin hangs at the ADD, and once more at the DEL of the one pod that there is.
    await trial.says("taken down again", 45_000);
    const { status, stdout } = await trial.finish();
    expect(signs(stdout)).toEqual([
      "✗ plugin hangs was ended: after the interrupt it had 15 s for its ADD",
      "✗ all is taken down again by DEL: plugin hangs was ended: after the interrupt it had 15 s for its DEL",
    ]);
    expect(status).toBe(1);
    const calls = (await hanging()).trim().split("\n");
    expect(calls.map((line) => line.split(" ")[0])).toEqual(["ADD", "DEL"]);
    const ids = calls.flatMap((line) => line.split(" ").slice(1));
    await waitFor("the processes are gone", () => ids.every((id) => !existsSync(`/proc/${id}`)));
    await expectNothing(world);
  },
  90_000,
);

scene("--keep leaves the pods there, and tells how they go", async (world) => {
  install(world, WAYS[0]!.networkOf("pods", DUAL));
  const text = await pontoonMust(world, "try pods --keep");
  await world.host.must("ip netns exec try-1 ping -c1 -W5 10.1.0.3");
  expect((await pontoon(world, "try pods --keep")).stderr).toContain("of an earlier --keep are there");
  expect(await pontoonMust(world, "try pods")).toContain("✓ all is taken down again by DEL\n");
  const commands = [...text.matchAll(/^ {2}pontoon (.*)$/gm)].map(([, line = ""]) => line);
  expect(commands).toHaveLength(2);
  for (const line of commands) await pontoonMust(world, line);
  await expectNothing(world);
});

scene("wire: the two pods try each other", async (world) => {
  install(world, wireNetwork("lab"));
  const { status, stdout } = await pontoon(world, "try lab");
  expect(signs(stdout)).toEqual([
    "✓ attached by ADD: pontoon-try-1 10.7.0.0 fd07::; pontoon-try-2 10.7.0.1 fd07::1",
    "- the network has no gateway",
    "✓ pods reach each other: 10.7.0.0 and 10.7.0.1",
    "✓ pods reach each other: fd07:: and fd07::1",
    "- outside over IPv4: the node itself has no default gateway",
    "- outside over IPv6: the node itself has no default gateway",
    "✓ packets of 1500 bytes reach 10.7.0.1 undivided",
    "✓ packets of 1500 bytes reach fd07::1 undivided",
    "- host ports: no plugin of the network declares portMappings",
    "✓ all is taken down again by DEL",
  ]);
  expect(status).toBe(0);
  await expectNothing(world);
});

scene("device: one pod tries the network behind the device, which the node has again", async (world) => {
  await plugIn(world);
  install(world, deviceNetwork("lan", { device: "eth7" }));
  const { status, stdout } = await pontoon(world, "try lan");
  expect(signs(stdout)).toEqual([
    "✓ attached by ADD: pontoon-try-1 10.5.0.10 fd05::10",
    "✓ the gateway 10.5.0.1 answers",
    "✓ the gateway fd05::1 answers",
    "- pods reach each other: there is one device, so there was one pod",
    "- outside: packets of the pod leave by its device, and not by the node",
    "✓ packets of 1400 bytes reach 10.5.0.1 undivided",
    "✓ packets of 1400 bytes reach fd05::1 undivided",
    "- host ports: no plugin of the network declares portMappings",
    "✓ all is taken down again by DEL",
  ]);
  expect(status).toBe(0);
  await world.host.must("ip link show eth7");
});

scene("without addresses, and as JSON", async (world) => {
  install(world, { cniVersion: "1.1.0", name: "layer2", plugins: [{ type: "pontoon", bridge: "br0" }] });
  const json = JSON.parse(await pontoonMust(world, "try layer2 --json")) as object;
  expect(json).toMatchObject({
    network: "layer2",
    passed: true,
    kept: [],
    findings: [
      { state: "passed" },
      { state: "skipped", text: expect.stringContaining("no addresses") },
      { state: "skipped" },
      { state: "passed" },
    ],
  });
});

scene("a chain of the reference plugins is tried as well, and DEL goes through all of it", async (world) => {
  await withWayOut(world);
  const pods = asReference(world, WAYS[0]!.networkOf("pods", DUAL));
  const portmap = { type: "portmap", capabilities: { portMappings: true } };
  symlinkSync(toolPath("portmap"), world.outside(`${PLUGIN_FOLDER}/portmap`));
  install(world, { ...pods, plugins: [...pods.plugins, portmap] });
  const { status, stdout } = await pontoon(world, "try pods");
  expect([status, stdout]).toEqual([0, expect.not.stringContaining("✗")]);
  expect(signs(stdout)).toContain("✓ host port N leads to port 80 of the pod over IPv4");
  expect(await world.host.must("ip netns list")).not.toContain("try-");
  expect(await world.host.must(["sh", "-c", "ls /var/lib/cni/results"])).toBe("");
});
