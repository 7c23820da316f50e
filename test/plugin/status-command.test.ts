// `pontoon status`: one screen with a verdict, as ip and the doctor have it.
import { expect } from "vitest";
import { add } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";

const WORDS = [`${PLUGIN_FOLDER}/pontoon`, "status", "--conf-dir", CONFIG_FOLDER, "--bin-dir", PLUGIN_FOLDER];

interface Line {
  subject: string;
  text: string;
  isWell: boolean;
  isNote?: boolean;
}

async function status(world: World): Promise<{ status: number | undefined; lines: Map<string, Line> }> {
  const outcome = await world.host.exec([...WORDS, "--json"]);
  const { lines } = JSON.parse(outcome.stdout) as { lines: Line[] };
  return { status: outcome.status, lines: new Map(lines.map((line) => [line.subject, line])) };
}

scene("a healthy node is content: executable, configuration, networks, pods, verdict", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/28"], mtu: 1400 }));
  await add(world, pods, await world.pod("red"));
  const seen = await status(world);
  expect(seen.status).toBe(0);
  expect([...seen.lines.values()].filter(({ isWell }) => !isWell)).toEqual([]);
  expect(seen.lines.get("executable")?.text).toBe(`${PLUGIN_FOLDER}/pontoon`);
  expect(seen.lines.get("configuration")?.text).toMatch(/^a runtime takes .*pods\.conflist$/);
  expect(seen.lines.get("network pods")?.text).toBe(
    "bridge pods0, 1 pod, 1 of 13 addresses, 1 of 1023 ports, MTU 1400, masquerading",
  );
  expect(seen.lines.get("forwarding")?.text).toBe("IPv4 on, IPv6 off");
  expect(seen.lines.get("pods")?.text).toBe("1 ok");
  expect(seen.lines.get("verdict")?.text).toBe("all is well");
});

scene("what is wrong makes the verdict and the exit status, and the doctor says more", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, pods, red);
  await add(world, pods, blue);
  await world.host.must("ip link set pods0 down");
  await world.removePod(blue);
  await waitFor(
    "the kernel has removed the pair of the pod that is gone",
    async () => (await world.host.must("ip -br link show type veth")).trim().split("\n").length === 1,
  );
  const seen = await status(world);
  expect(seen.status).toBe(1);
  expect(seen.lines.get("pods")).toMatchObject({ text: "1 drift, 1 dead", isWell: false });
  expect(seen.lines.get("verdict")).toMatchObject({
    text: expect.stringMatching(/pods0.*down.* and \d more; "pontoon doctor" says how to mend it$/),
    isWell: false,
  });
  const { stdout } = await world.host.exec([
    "script",
    "-qec",
    `stty cols 80; ${WORDS.join(" ")}`,
    "/dev/null",
  ]);
  const lines = stdout.replaceAll(/\u001b\[\d+m|\r/g, "").split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

scene("a runtime that would take another program's file, or none of ours, is told", async (world) => {
  install(world, network("pods"));
  world.write(
    `${CONFIG_FOLDER}/00-other.conflist`,
    '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"other"}]}',
  );
  expect((await status(world)).lines.get("configuration")).toMatchObject({
    text: `a runtime takes ${CONFIG_FOLDER}/00-other.conflist, which is not Pontoon's; 1 file behind it`,
    isWell: true,
    isNote: true,
  });
  await world.host.must(`rm -r ${CONFIG_FOLDER}`);
  expect((await status(world)).lines.get("configuration")).toMatchObject({
    text: `there is none in ${CONFIG_FOLDER}`,
    isWell: true,
    isNote: true,
  });
});

scene("on a node without anything no line contradicts the verdict that all is well", async (world) => {
  await world.host.must(`rm -r ${CONFIG_FOLDER}`);
  const { status: exit, lines } = await status(world);
  expect({ exit, wrong: [...lines.values()].filter(({ isWell }) => !isWell) }).toEqual({
    exit: 0,
    wrong: [],
  });
  const away = [WORDS[0]!, "status", "--conf-dir", CONFIG_FOLDER, "--bin-dir", "/nowhere"];
  const { stdout } = await world.host.exec(away);
  expect(stdout).toContain(
    "· executable     there is no folder /nowhere; --bin-dir names that of the runtime\n",
  );
  expect(stdout).toContain(`· configuration  there is none in ${CONFIG_FOLDER}\n`);
});

scene("the line that a fault is about is not well", async (world) => {
  const pods = install(world, network("pods"));
  await add(world, pods, await world.pod("red"));
  const wrong = async (): Promise<string[]> =>
    [...(await status(world)).lines.values()].flatMap(({ subject, isWell }) => (isWell ? [] : [subject]));
  expect(await wrong()).toEqual([]);
  await world.host.must("sysctl -qw net.ipv4.ip_forward=0");
  expect(await wrong()).toEqual(["network pods", "forwarding", "verdict"]);
  await world.host.must("sysctl -qw net.ipv4.ip_forward=1");
  await world.host.must("iptables-legacy -P FORWARD DROP");
  expect(await wrong()).toEqual(["network pods", "firewalls", "verdict"]);
});

scene(
  "status and doctor that may not look end with exit status 2, not as if a fault were found",
  async (world) => {
    for (const command of ["status", "doctor", "doctor --trace red outside"]) {
      const asNobody = `setpriv --reuid 65534 --clear-groups ${PLUGIN_FOLDER}/pontoon ${command}`;
      expect(await world.host.exec(asNobody), command).toMatchObject({
        status: 2,
        stdout: "",
        stderr: expect.stringMatching(/^pontoon (status|doctor): only root may look/) as string,
      });
    }
  },
);
