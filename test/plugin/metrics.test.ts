// `pontoon metrics` and PONTOON_TRACE: figures for collectors, and the requests to the kernel in words.
import { expect, test } from "vitest";
import { add, addDirectly } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { run } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, pluginBinary, type World } from "../support/world.ts";

const FOLDERS = `--conf-dir ${CONFIG_FOLDER} --bin-dir ${PLUGIN_FOLDER}`;
const METRICS = `${PLUGIN_FOLDER}/pontoon metrics ${FOLDERS}`;

/** The samples of a text in Prometheus' form, by name and labels; anything that is no such line fails. */
function samplesOf(text: string): Record<string, number> {
  const lines = text
    .trimEnd()
    .split("\n")
    .filter((line) => !/^# (HELP|TYPE) pontoon_\w+ \S/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^(pontoon_\w+\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)+\}) (\d+)$/.exec(line) ?? [];
      expect(name, line).toBeDefined();
      return [name!, Number(value)];
    }),
  );
}

scene("attachments by state, addresses, host ports and strays are counted", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/28"] }));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  await add(world, pods, red);
  await add(world, pods, blue);
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
  await addDirectly(world, { network: pods, pod: green, more: { runtimeConfig: { portMappings } } });
  await world.removePod(red);
  world.write("/var/lib/cni/networks/pods/10.1.0.9", "somebody\r\neth0");
  expect(samplesOf(await world.host.must(METRICS))).toEqual({
    [Object.keys(samplesOf(await world.host.must(METRICS)))[0]!]: 1,
    'pontoon_attachments{network="pods",state="ok"}': 2,
    'pontoon_attachments{network="pods",state="drift"}': 0,
    'pontoon_attachments{network="pods",state="starting"}': 0,
    'pontoon_attachments{network="pods",state="dead"}': 1,
    'pontoon_host_ports{network="pods"}': 1,
    'pontoon_addresses{network="pods",range="10.1.0.1-10.1.0.14"}': 13,
    'pontoon_addresses_used{network="pods",range="10.1.0.1-10.1.0.14"}': 4,
    'pontoon_strays{kind="lease"}': 1,
    'pontoon_strays{kind="interface"}': 0,
    'pontoon_strays{kind="record"}': 0,
    ...(await findingsBy(world)),
  });
});

/** The samples of findings, counted from what the doctor says. */
async function findingsBy(world: World): Promise<Record<string, number>> {
  const { stdout } = await world.host.exec(`${PLUGIN_FOLDER}/pontoon doctor --json ${FOLDERS}`);
  const { findings, blind } = JSON.parse(stdout) as {
    findings: { code: string; severity: string; repairable: boolean }[];
    blind: unknown[];
  };
  const counts = ["error", "warning", "note"].map((severity): [string, number] => [
    severity,
    findings.filter((each) => each.severity === severity).length,
  ]);
  expect(counts.some(([, count]) => count > 0)).toBe(true);
  const byCode: Record<string, number> = {};
  for (const { code, severity, repairable } of findings) {
    const label = code.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const name = `pontoon_findings_by_code{code="${label}",severity="${severity}",repairable="${repairable}"}`;
    byCode[name] = (byCode[name] ?? 0) + 1;
  }
  expect(Object.keys(byCode).length).toBeGreaterThan(1);
  return {
    ...byCode,
    ...Object.fromEntries(
      [...counts, ["blind", blind.length] as const].map(([severity, count]) => [
        `pontoon_findings{severity="${severity}"}`,
        count,
      ]),
    ),
  };
}

scene("no sample comes twice, and leases that cannot be counted hide no other figures", async (world) => {
  const pods = network("pods", { subnets: ["10.1.0.0/28"] });
  install(world, pods);
  world.write(`${CONFIG_FOLDER}/99-copy.conflist`, JSON.stringify(pods));
  install(world, network("other", { subnets: ["10.2.0.0/28"] }));
  await world.host.must("mkdir -p /var/lib/cni/networks");
  await world.host.must("ln -s other /var/lib/cni/networks/other");
  const { stdout, stderr, status } = await world.host.exec(METRICS.split(" "));
  const names = stdout.split("\n").filter((line) => line.startsWith("pontoon_addresses{"));
  expect(names).toEqual(['pontoon_addresses{network="pods",range="10.1.0.1-10.1.0.14"} 13']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("networks/other: ELOOP") });
  const ls = await world.host.exec([
    `${PLUGIN_FOLDER}/pontoon`,
    "ls",
    "networks",
    "--conf-dir",
    CONFIG_FOLDER,
  ]);
  expect(ls.stdout).toMatch(/^other .*\n(.*\n)*pods /m);
  expect(ls.stderr).toContain("networks/other: ELOOP");
});

scene(
  "PONTOON_TRACE tells each request to the kernel on stderr, for a person and for no runtime",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red, { PONTOON_TRACE: "1" });
    const { stdout, stderr } = await world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "ls"], {
      env: { PONTOON_TRACE: "1" },
    });
    expect(stderr.split("\n")).toEqual(expect.arrayContaining(["netlink: list all interfaces: 3 answers"]));
    expect(stdout).toContain("bridge pods0");
  },
);

test("metrics takes no words", async () => {
  expect(await run([pluginBinary(), "metrics", "all"])).toMatchObject({ status: 2 });
});
