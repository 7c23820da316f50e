// `pontoon report`: an archive that tar reads, with what a fault needs and without what others keep secret.
import { expect } from "vitest";
import { add } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER } from "../support/world.ts";

const REPORT = `${PLUGIN_FOLDER}/pontoon report --conf-dir ${CONFIG_FOLDER}`;

scene("tar unpacks it: versions, records, leases, rules, and each pod from inside", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await add(world, pods, red);
  world.write(`/var/lib/cni/pontoon/pods/${"0".repeat(32)}.json`, "torn");
  expect(await world.host.must(`${REPORT} /run/report.tar`)).toMatch(
    /^\/run\/report\.tar: \d+ files, \d+ kB\n$/,
  );
  await world.host.must("mkdir /run/out");
  await world.host.must("tar -C /run/out -xf /run/report.tar");
  expect(await world.host.must("stat -c %a /run/report.tar")).toBe("600\n");
  const read = (name: string): string => world.read(`/run/out/${name}`);
  expect(read("version.txt")).toContain("Linux version");
  expect(read(`records/pods/${"0".repeat(32)}.json`)).toBe("torn");
  expect(read("leases.txt")).toContain(`10.1.0.2  ${red.containerId} eth0`);
  expect(read("node/nftables.txt")).toContain("table inet pontoon");
  expect(read("node/link.txt")).toContain("pods0");
  expect(read("settings.txt")).toContain("net/ipv4/ip_forward = 1\n");
  expect(read(`pods/1-${red.containerId}.txt`)).toContain("10.1.0.2/24");
  expect(JSON.parse(read("survey.json"))).toMatchObject({ attachments: [{ network: "pods", state: "ok" }] });
});

scene(
  "entries of other plugins and keys that are not ours stay out, and so does the environment",
  async (world) => {
    const secret = "s3cr3t";
    const pods = network("pods", { token: secret });
    install(world, { ...pods, plugins: [...pods.plugins, { type: "other", password: secret }] });
    world.write(`${CONFIG_FOLDER}/99-broken.conflist`, `{ "token": "${secret}", `);
    await world.host.must(`${REPORT} /run/report.tar`, { env: { TOKEN: secret } });
    const archive = world.read("/run/report.tar");
    expect(archive).toContain('"type": "other"');
    expect(archive).toContain('"bridge": "pods0"');
    expect(archive).not.toContain(secret);
  },
);

scene("long and similar names come whole into the archive, each once", async (world) => {
  const long = "n".repeat(60);
  for (const name of ["90 a", "90-a", "x".repeat(200)])
    world.write(`${CONFIG_FOLDER}/${name}.conflist`, name);
  for (const end of ["1", "2"]) {
    world.write(`/var/lib/cni/pontoon/${long}${end}/boot-abc`, end);
    world.write(`/var/lib/cni/pontoon/${long}${end}/${"y".repeat(200)}`, end);
  }
  await world.host.must(`${REPORT} /run/report.tar`);
  const names = (await world.host.must("tar -tf /run/report.tar")).trimEnd().split("\n");
  expect(names.filter((name) => name.startsWith("configurations/"))).toHaveLength(3);
  expect(names.filter((name) => name.startsWith("records/n"))).toHaveLength(4);
  expect(new Set(names).size).toBe(names.length);
});

scene("a full disk leaves no part of an archive", async (world) => {
  await world.host.must("mkdir /run/small");
  await world.host.must("mount -t tmpfs -o size=8k tmpfs /run/small");
  const { status, stderr } = await world.host.exec(`${REPORT} /run/small/report.tar`);
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("ENOSPC") });
  expect(await world.host.must("ls /run/small")).toBe("");
});

scene("a file that is there stays, and a node without programs gives the rest", async (world) => {
  world.write("/run/report.tar", "mine");
  const { status, stderr } = await world.host.exec(`${REPORT} /run/report.tar`);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "pontoon report: /run/report.tar is there already. Hint: Name another file.\n",
  });
  expect(world.read("/run/report.tar")).toBe("mine");
  expect(await world.host.exec(`${REPORT} /nowhere/report.tar`)).toMatchObject({
    status: 1,
    stderr: "pontoon report: there is no folder /nowhere. Hint: Make it, or name a file in another one.\n",
  });
});
