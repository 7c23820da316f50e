// `pontoon clean` and `pontoon rm`: what a killed runtime has left over.
import { expect } from "vitest";
import { forget, onTerminal, pontoon, pontoonMust } from "../support/by-person.ts";
import { add, addDirectly, addressOf, check } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { addWithPorts, portArgs, portConfig, portNetwork } from "../support/host-port.ts";
import { install, network } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { wireNetwork } from "../support/wire.ts";
import { PLUGIN_FOLDER, pluginBinary, type World } from "../support/world.ts";

const WEB = [{ hostPort: 8080, containerPort: 80 }];
const PODMAN = { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web" };

/** The files of libcni's cache. */
const cache = async (world: World): Promise<string> =>
  world.host.must(["sh", "-c", "ls /var/lib/cni/results 2>/dev/null || true"]);

scene(
  "podman run was killed after ADD: clean frees its host port, its lease and the runtime's cache",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addWithPorts(world, pods, red, WEB);
    const living = addressOf(await add(world, pods, blue));
    await forget(world, red);
    // Nobody will send the DEL: the port leads to nowhere, for ever.
    const ports = (): Promise<string> => world.host.must("nft list ruleset");
    expect(await ports()).toContain("8080");

    const seen = await pontoon(world, "clean --dry-run");
    expect(seen.stdout).toBe(
      `container ${red.containerId} (network pods, eth0): 10.1.0.2, 8080->80/tcp\n  its namespace is gone\n`,
    );
    const asked = await pontoon(world, "clean");
    expect([asked.status, asked.stdout]).toEqual([1, ""]);
    expect(asked.stderr).toMatch(
      /^pontoon clean: nothing was taken down, since nobody can be asked: .*--yes\.\n$/,
    );
    expect((await snapshot(world)).leases.names).toContain("10.1.0.2");

    expect(await pontoonMust(world, "clean --yes")).toBe(
      `taken down: container ${red.containerId} (network pods, eth0): 10.1.0.2, 8080->80/tcp\n`,
    );
    expect((await snapshot(world)).leases.names).toEqual(["10.1.0.3"]);
    expect((await cache(world)).trim()).toBe(`pods-${blue.containerId}-eth0`);
    expect(await check(world, pods, blue)).toBeUndefined();
    expect(await pings(world.host, living)).toBe(true);
    expect(await ports()).not.toContain("8080");
    const green = await world.pod("green");
    await addWithPorts(world, pods, green, WEB);
    await using _server = await serve(green, "tcp", "0.0.0.0", 80);
    expect(await connect(blue, "10.1.0.1", 8080)).toMatch(/^green saw /);
    expect(await pontoonMust(world, "clean --yes")).toBe("nothing is left over\n");
  },
);

for (const { way, networkOf } of WAYS)
  scene(`${way}: clean needs no cache of a runtime, and leaves nothing of the dead`, async (world) => {
    const pods = install(world, networkOf("pods"));
    const red = await world.pod("red");
    await addDirectly(world, { network: pods, pod: red });
    await forget(world, red);
    await pontoonMust(world, "clean --yes");
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  });

scene("wire and device: where namespaces are out of sight nothing is taken, else all", async (world) => {
  const lab = install(world, wireNetwork("lab"));
  await plugIn(world);
  const lan = install(world, deviceNetwork("lan", { device: "eth7" }));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  for (const pod of [red, blue]) await add(world, lab, pod);
  await add(world, lan, green);
  const unseen = `mount -t tmpfs tmpfs /run && exec ${pluginBinary()} clean --yes`;
  const inContainer = await world.host.must(["unshare", "--mount", "sh", "-c", unseen]);
  expect(inContainer).toBe("nothing is left over\n");
  for (const pod of [red, blue, green]) await world.removePod(pod);
  await waitFor("all is taken", async () => {
    const { stdout } = await pontoon(world, "clean --yes");
    return stdout === "nothing is left over\n";
  });
  expect((await snapshot(world)).attachments.lines).toEqual([]);
  expect(await cache(world)).toBe("");
});

scene(
  "attachments of an earlier boot, leases of nobody and entries of the cache go, and nothing else",
  async (world) => {
    const pods = install(world, network("pods", { subnets: ["10.219.0.0/24"] }));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, red);
    await add(world, pods, blue);
    const record = (await world.host.must(`grep -l ${red.containerId} -r /var/lib/cni/pontoon/pods`)).trim();
    world.write(record, world.read(record).replace(/"bootId": "[^"]*"/, '"bootId": "earlier"'));
    const folder = "/var/lib/cni/networks/pods";
    world.write(`${folder}/10.219.0.99`, "nobody\r\neth0");
    // Addresses that a namespace has are never taken, whatever the lease says.
    world.write(`${folder}/10.219.0.1`, "somebody\r\neth0");
    world.write(`/var/lib/cni/results/pods-old-eth0`, cacheOf("old", "/run/netns/gone", "pontoon"));
    world.write(
      `/var/lib/cni/results/others-old-eth0`,
      cacheOf("old", "/run/netns/gone", "bridge", "others"),
    );
    const { removed } = JSON.parse(await pontoonMust(world, "clean --yes --json")) as { removed: object[] };
    expect(removed).toMatchObject([
      { kind: "attachment", containerId: red.containerId, reason: "it is of an earlier boot" },
      { kind: "cache", containerId: "old", reason: "its namespace is gone" },
      { kind: "lease", containerId: "nobody", addresses: ["10.219.0.99"] },
    ]);
    expect((await snapshot(world)).leases.names).toEqual(["10.219.0.1", "10.219.0.3"]);
    expect((await cache(world)).trim().split("\n")).toEqual([
      "others-old-eth0",
      `pods-${blue.containerId}-eth0`,
    ]);
    expect(await check(world, pods, blue)).toBeUndefined();
  },
);

scene(
  "the other plugins of the chain get their DEL; where one is missing, Pontoon's part goes all the same",
  async (world) => {
    const log = "/run/world/log";
    const file = `${PLUGIN_FOLDER}/spy`;
    const pass = `sed 's/.*"prevResult":\\({.*}\\)}$/\\1/'`;
    world.write(
      file,
      `#!/bin/sh\necho "$CNI_COMMAND" >> ${log}\n[ "$CNI_COMMAND" = ADD ] && ${pass} || true\n`,
    );
    await world.host.must(`chmod +x ${file}`);
    const pods = { ...network("pods"), plugins: [...network("pods").plugins, { type: "spy" }] };
    install(world, pods as typeof pods & ReturnType<typeof network>);
    for (const name of ["red", "blue"]) {
      const pod = await world.pod(name);
      await pontoonMust(world, `cni add pods -n ${name}`);
      await forget(world, pod);
      if (name === "blue") await world.host.must(`rm ${file}`);
      const { status, stderr } = await pontoon(world, "clean --yes");
      expect([status, stderr.includes('there is no plugin "spy"')]).toEqual(
        name === "red" ? [0, false] : [1, true],
      );
      expect((await snapshot(world)).attachments.lines).toEqual([]);
    }
    expect(world.read(log)).toBe("ADD\nDEL\nADD\n");
  },
);

scene(
  "rm by pod, port, address or id shows the attachment and asks; what processes use is refused",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const red = await world.pod("red");
    const words = ["default/web", "web", "8080", "8080/tcp", "10.1.0.2", red.containerId.slice(0, 14)];
    const title = "pod default/web (network pods, eth0): 10.1.0.2, 8080->80/tcp";
    await add(world, pods, red, { ...PODMAN, ...portArgs(WEB) });
    for (const word of words) {
      const { stdout, status } = await onTerminal(world, `rm ${word}`, "n\n");
      expect([status, stdout], word).toEqual([
        0,
        `${title}\n  it may be in use; container ${red.containerId}\nTake it down? [y/N] nothing was taken down\n`,
      ]);
    }
    for (const word of ["8081", "8080/udp", "10.1.0.9", "cn", "constructor"])
      expect((await pontoon(world, `rm --yes ${word}`)).stderr, word).toContain(
        `"${word}" names no attachment`,
      );
    await using user = red.start("cat");
    user.write("here\n");
    await user.says("here");
    const used = await pontoon(world, "rm --yes web");
    expect([used.status, used.stderr]).toEqual([
      1,
      expect.stringMatching(/is in use by cat \(\d+\).*--force/),
    ]);
    await user.stop();
    const { stdout } = await onTerminal(world, "rm web web", "y\n");
    expect(stdout).toContain(`taken down: ${title}\n`);
    expect((await snapshot(world)).attachments.lines).toEqual([]);
    expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  },
);

scene("rm --force takes down what is in use, and two containers by one word are refused", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, pods, pod, PODMAN);
  const both = await pontoon(world, "rm --yes web");
  expect([both.status, both.stderr]).toEqual([1, expect.stringContaining('"web" names 2 containers: ')]);
  await using _user = red.start("cat");
  await pontoonMust(world, "rm --yes --force 10.1.0.2");
  expect((await snapshot(world)).leases.names).toEqual(["10.1.0.3"]);
});

scene("an attachment whose record a crash damaged goes by its lease, with all that it has", async (world) => {
  const pods = portNetwork(world, "pods", { subnets: ["10.219.0.0/24", "fd19::/64"] });
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await addDirectly(world, { network: pods, pod: red, more: portConfig(WEB) });
  await addDirectly(world, { network: pods, pod: blue });
  const records = await world.host.must("grep -l eth0 -r /var/lib/cni/pontoon/pods");
  for (const record of records.trim().split("\n")) world.write(record, "");
  await forget(world, red);
  const { removed } = JSON.parse(await pontoonMust(world, "clean --yes --json")) as { removed: object[] };
  expect(removed).toMatchObject([{ kind: "lease", addresses: ["10.219.0.2", "fd19::2"] }]);
  expect(await world.host.must("nft list ruleset")).not.toMatch(/8080|10\.219\.0\.2\b/);
  expect((await snapshot(world)).leases.names).toEqual(["10.219.0.3", "fd19::3"]);
});

scene("rm finds an attachment without a record by its container id", async (world) => {
  const pods = portNetwork(world, "pods");
  const red = await world.pod("red");
  await addDirectly(world, { network: pods, pod: red, containerId: "forgotten", more: portConfig(WEB) });
  await world.host.must("rm -r /var/lib/cni/pontoon");
  expect(await pontoonMust(world, "rm --yes forg")).toBe(
    "taken down: container forgotten (network pods, eth0)\n",
  );
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

/** A file of libcni's cache. */
function cacheOf(containerId: string, netns: string, type: string, networkName = "pods"): string {
  const list = { cniVersion: "1.0.0", name: networkName, plugins: [{ type }] };
  const config = Buffer.from(JSON.stringify(list)).toString("base64");
  return JSON.stringify({ kind: "cniCacheV1", containerId, config, ifName: "eth0", networkName, netns });
}

/** Without this capability the system tells of no process with more rights where it runs. */
const blindly = async (world: World, ...words: string[]) =>
  world.host.exec([
    "setpriv",
    "--bounding-set=-sys_ptrace",
    "--inh-caps=-sys_ptrace",
    `${PLUGIN_FOLDER}/pontoon`,
    ...words,
  ]);

scene(
  "where nothing can be written rm says once what stayed, and the next one takes it down",
  async (world) => {
    install(world, network("pods"));
    await world.pod("red");
    await pontoonMust(world, "cni add pods -n red");
    await world.host.must("mount -o remount,ro /var/lib/cni");
    const { status, stderr } = await pontoon(world, "rm --yes 10.1.0.2");
    expect([status, stderr.split("\n").length]).toEqual([1, 2]);
    expect(stderr).toMatch(/^pontoon rm: clean-up is not complete: .* could not be removed\. Cause: .*EROFS/);
    await world.host.must("mount -o remount,rw /var/lib/cni");
    await pontoonMust(world, "rm --yes 10.1.0.2");
  },
);

scene("rm refuses a pod when some processes may not be seen, unless its namespace is gone", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, pods, pod);
  await using _process = red.start(["sleep", "600"]);
  const refused = await blindly(world, "rm", "--yes", "10.1.0.2");
  expect([refused.status, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toMatch(
    /^pontoon rm: .* may be in use. Cause: its namespace is there, and \d+ process(es)? of this node may not be seen, .*CAP_SYS_PTRACE, or give --force/,
  );
  expect(await check(world, pods, red)).toBeUndefined();
  await forget(world, blue);
  const gone = await blindly(world, "rm", "--yes", "10.1.0.3");
  expect([gone.status, gone.stderr]).toEqual([0, ""]);
  expect((await blindly(world, "rm", "--yes", "--force", "10.1.0.2")).status).toBe(0);
});

scene(
  "with --idle pods go in whose namespace no process runs, and none where some may not be seen",
  async (world) => {
    const pods = install(world, network("pods"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    for (const pod of [red, blue]) await add(world, pods, pod);
    await using _process = blue.start(["sleep", "600"]);
    await world.host.must(["sh", "-c", 'touch -d "2 minutes ago" /var/lib/cni/pontoon/pods/*.json']);
    const blind = await blindly(world, "clean", "--idle", "--yes");
    expect([blind.status, blind.stdout]).toEqual([1, ""]);
    expect(blind.stderr).toMatch(
      /^pontoon clean: nothing was taken down. Cause: \d+ process(es)? of this node may not be seen, .*CAP_SYS_PTRACE/,
    );
    expect(await pontoonMust(world, "clean --idle --yes")).toMatch(
      new RegExp(`^taken down: container ${red.containerId} .*\n$`),
    );
    expect(await check(world, pods, blue)).toBeUndefined();
  },
);
