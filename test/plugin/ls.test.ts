// `pontoon ls`: whatever is attached on the node, judged by ip and by the results of the ADDs.
import { expect, test } from "vitest";
import { filterRows } from "../../src/command/ls/filter.ts";
import type { Row } from "../../src/command/ls/row.ts";
import { add, addressesOf, addressOf, del, pluginEnvironment } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network, pluginInput } from "../support/network.ts";
import { run } from "../support/process.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { waitFor } from "../support/wait.ts";
import { wireNetwork } from "../support/wire.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, pluginBinary, type World } from "../support/world.ts";

const LS = `${PLUGIN_FOLDER}/pontoon ls`;

async function rowsOf(world: World, words = ""): Promise<Row[]> {
  return JSON.parse(await world.host.must(`${LS} --json ${words}`.trimEnd())) as Row[];
}

const shell = (world: World, script: string): Promise<string> => world.host.must(["sh", "-ec", script]);

/** The row of the attachment in this namespace. */
async function rowOf(world: World, namespace: string): Promise<Row> {
  const rows = (await rowsOf(world)).filter((row) => row.namespace === namespace);
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

scene(
  "each way of attaching is a line: pod, addresses, host's end, as ADD and ip have them",
  async (world) => {
    const [red, blue, green, grey] = [
      await world.pod("red"),
      await world.pod("blue"),
      await world.pod("green"),
      await world.pod("grey"),
    ];
    await plugIn(world, "eth7");
    const bridged = await add(
      world,
      install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] })),
      red,
    );
    const routed = await add(world, install(world, ptpNetwork("routed", { subnets: ["10.2.0.0/24"] })), blue);
    const wired = await add(world, install(world, wireNetwork("cable")), green);
    const lent = await add(world, install(world, deviceNetwork("lan", { device: "eth7" })), grey);
    for (const [pod, result, via] of [
      [red, bridged, "bridge pods0"],
      [blue, routed, "ptp"],
      [green, wired, "wire"],
      [grey, lent, "device eth7"],
    ] as const) {
      const row = await rowOf(world, pod.namespace);
      expect(row).toMatchObject({
        state: "ok",
        problems: [],
        via,
        containerId: pod.containerId,
        interface: "eth0",
      });
      expect(row.addresses.map((each) => each.replace(/\/\d+$/, ""))).toEqual(addressesOf(result));
      const host = result.interfaces?.find(
        ({ name, sandbox }) => (sandbox ?? "") === "" && name.startsWith("veth"),
      );
      expect(row.hostInterface).toBe(host?.name);
    }
    expect((await rowsOf(world)).filter(({ pod }) => pod === "green")).toEqual([]);
  },
);

scene(
  "a word shows the pod, network, address, interface or port that it names, and nothing else",
  async (world) => {
    const pods = install(
      world,
      network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], capabilities: { portMappings: true } }),
    );
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addNamed(world, pods, red, {
      name: "web-0",
      ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    });
    await addNamed(world, pods, blue, {
      name: "web-1",
      ports: [{ hostPort: 53, containerPort: 53, protocol: "udp" }],
    });
    const [first, second] = await rowsOf(world);
    expect([first?.pod, second?.pod]).toEqual(["default/web-0", "default/web-1"]);
    expect([first?.hostPorts, second?.hostPorts]).toEqual([["8080->80/tcp"], ["53->53/udp"]]);
    const named = async (word: string): Promise<string[]> =>
      (await rowsOf(world, word)).map(({ pod }) => pod);
    for (const word of [
      "default/web-0",
      "web-0",
      "8080",
      "8080/tcp",
      first!.hostInterface!,
      "red",
      red.containerId,
    ])
      expect(await named(word), word).toEqual(["default/web-0"]);
    const [v4, v6] = second!.addresses.map((address) => address.replace(/\/\d+$/, ""));
    for (const word of [v4!, v6!, "fd01:0::3", "53", "53/udp"])
      expect(await named(word), word).toEqual(["default/web-1"]);
    expect(await named("pods")).toEqual(["default/web-0", "default/web-1"]);
    expect(await named("web")).toEqual(["default/web-0", "default/web-1"]);
    // The counters go on between two calls.
    const json = async (call: string): Promise<string> =>
      (await world.host.must(call)).replaceAll(/"(received|sent)": \d+/g, "");
    expect(await json(`${LS} -o json web-0`)).toBe(await json(`${LS} --json web-0`));
    for (const word of ["8081", "10.1.0.77", "53/tcp", "nobody"]) {
      const { status, stdout } = await world.host.exec([...LS.split(" "), word]);
      expect({ status, stdout }).toEqual({
        status: 1,
        stdout: `Nothing on this node has the name, address, port or state "${word}".\n`,
      });
    }
  },
);

scene(
  "drift is seen and told: an end down, off the bridge, isolated, a bridge down, rules flushed",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    const { hostInterface: end } = await rowOf(world, red.namespace);
    const broken: [breaks: string, mends: string, sentence: string][] = [
      [`ip link set ${end} down`, `ip link set ${end} up`, `the host's end ${end} of the veth pair is down`],
      [
        `ip link set ${end} nomaster`,
        `ip link set ${end} master pods0`,
        `${end} is not a port of bridge pods0`,
      ],
      [
        `bridge link set dev ${end} isolated on`,
        `bridge link set dev ${end} isolated off`,
        `port isolation of ${end} is on`,
      ],
      [
        `bridge link set dev ${end} hairpin on`,
        `bridge link set dev ${end} hairpin off`,
        `hairpin mode of ${end} is on`,
      ],
      ["ip link set pods0 down", "ip link set pods0 up", "bridge pods0 is down"],
      ["nft flush ruleset", `${PLUGIN_FOLDER}/pontoon restore`, "rules of masquerading are missing"],
    ];
    for (const [breaks, mends, sentence] of broken) {
      await world.host.must(breaks);
      expect(await rowOf(world, red.namespace), breaks).toMatchObject({
        state: "drift",
        problems: [sentence],
      });
      expect(await world.host.must(LS)).toMatch(
        new RegExp(`drift\n\n${red.containerId}: ${sentence.replaceAll("'", ".")}\\.\n$`),
      );
      await world.host.must(mends);
      expect(await rowOf(world, red.namespace), mends).toMatchObject({ state: "ok", problems: [] });
    }
  },
);

scene(
  "a pod whose namespace is gone is dead, and a lease or interface without a record is a stray",
  async (world) => {
    const pods = install(world, network("pods"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const [dead] = [await add(world, pods, red), await add(world, pods, blue)];
    await world.removePod(red);
    // The kernel takes the link away a moment after the namespace.
    await waitFor("the pod is dead", async () => {
      const [row] = await rowsOf(world, addressOf(dead));
      return row?.state === "dead";
    });
    await shell(world, "rm /var/lib/cni/pontoon/pods/*");
    const rows = await rowsOf(world);
    expect(rows.map(({ state, via }) => `${state} ${via}`)).toEqual(
      expect.arrayContaining(["stray lease", "stray bridge pods0"]),
    );
    const veth = rows.find(({ via }) => via === "bridge pods0");
    expect(veth).toMatchObject({
      containerId: blue.containerId,
      network: "pods",
      interface: "eth0",
      namespace: blue.namespace,
    });
  },
);

scene(
  "for a pair of another program: which end is in which namespace, with addresses and process",
  async (world) => {
    await shell(
      world,
      `
    ip netns add alien; ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0
    ip link add vethabc type veth peer name inside0 netns alien
    ip link set vethabc master docker0; ip link set vethabc up
    ip -n alien addr add 172.17.0.2/16 dev inside0; ip -n alien link set inside0 up
    ip link add one type veth peer name two`,
    );
    expect(await rowsOf(world, "172.17.0.2")).toMatchObject([
      {
        pod: "alien",
        interface: "inside0",
        addresses: ["172.17.0.2/16"],
        via: "bridge docker0",
        hostInterface: "vethabc",
        state: "foreign",
        namespace: "/run/netns/alien",
      },
    ]);
    expect((await rowsOf(world, "one"))[0]).toMatchObject({
      pod: "(this node)",
      interface: "two",
      state: "foreign",
    });
    // A namespace without a name is found by its process.
    await shell(
      world,
      `
    ip link add vethdef type veth peer name eth0
    unshare --net tail -f /dev/null > /dev/null 2>&1 & echo $! > /run/tail
    while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
    ip link set eth0 netns $!`,
    );
    const pid = Number(world.read("/run/tail"));
    try {
      expect(await rowsOf(world, "vethdef")).toMatchObject([
        {
          pod: `tail[${pid}]`,
          interface: "eth0",
          process: { pid, name: "tail" },
          namespace: `/proc/${pid}/ns/net`,
        },
      ]);
    } finally {
      process.kill(pid);
    }
  },
);

scene(
  "ls looks and changes nothing, prints no name raw, and a damaged record stops nobody",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    world.write(`/var/lib/cni/pontoon/pods/${"0".repeat(32)}.json`, "{");
    await shell(world, "ip link add 'v\u001b[2J' type veth peer name 'x\u001b[31m' netns red");
    const before = await shell(world, "ip -j link; nft list ruleset; find /var/lib/cni | sort");
    const { stdout, stderr, status } = await world.host.exec(LS.split(" "));
    expect(status).toBe(0);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("v?[2J");
    expect(stderr).toBe(
      `/var/lib/cni/pontoon/pods/${"0".repeat(32)}.json is damaged, and was passed over.\n`,
    );
    expect(await shell(world, "ip -j link; nft list ruleset; find /var/lib/cni | sort")).toBe(before);
  },
);

scene("networks: pools, ways, and a network that only records know", async (world) => {
  const pods = install(
    world,
    network("pods", { subnets: ["10.1.0.0/28"], ingressPolicy: "isolated", mtu: 1400 }),
  );
  await add(world, pods, await world.pod("red"));
  const rows = async (): Promise<unknown> =>
    JSON.parse(await world.host.must(`${LS} networks --json --conf-dir ${CONFIG_FOLDER}`));
  expect(await rows()).toMatchObject([
    {
      network: "pods",
      isFirst: true,
      bridge: "pods0",
      subnets: ["10.1.0.0/28"],
      used: "1",
      free: "12",
      mtu: 1400,
      masquerades: true,
      ingressPolicy: "isolated",
      pods: 1,
    },
  ]);
  await shell(world, `rm ${CONFIG_FOLDER}/*`);
  expect(await rows()).toMatchObject([{ network: "pods", pods: 1 }]);
  expect(await world.host.must(`${LS} networks --conf-dir ${CONFIG_FOLDER}`)).toContain("no configuration");
});

scene(
  "beside ADDs and DELs nothing is called drift, dead or stray that is so for a moment",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    const asked: Row[] = [];
    let goes = true;
    const calls = async (): Promise<void> => {
      for (let call = 0; call < 20; call++) {
        await add(world, pods, red);
        await del(world, pods, red);
      }
      goes = false;
    };
    const looks = async (): Promise<void> => {
      while (goes) asked.push(...(await rowsOf(world)));
    };
    await Promise.all([calls(), looks(), looks()]);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ state }) => state !== "ok" && state !== "starting")).toEqual([]);
  },
);

scene("what others named is shown without escape sequences in every form of the answer", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await add(world, pods, red);
  const [file = ""] = (await shell(world, "ls /var/lib/cni/pontoon/pods/*.json")).split("\n");
  const record = JSON.parse(world.read(file)) as { pod: string; namespace: { path: string } };
  const path = "/run/netns/\u001b[31m\u009bred";
  world.write(
    file,
    JSON.stringify({ ...record, pod: "default/\u001b[2J", namespace: { path, cookie: "1" } }),
  );
  world.write(`/var/lib/cni/pontoon/\u001b[2J/${"0".repeat(32)}.json`, "torn");
  await shell(world, "touch '/run/netns/\u001b[2J'; ip link add veth0 type veth peer name veth1 netns red");
  const hold = "printf '\u001b[2J' > /proc/self/comm; read -r _";
  await using _process = world.host.start(["ip", "netns", "exec", "red", "bash", "-c", hold]);
  await waitFor("the process runs", async () =>
    (await rowsOf(world)).some(({ process }) => process !== undefined),
  );
  for (const form of ["", "-o wide", "--json", "\u001b[2J", "networks", "--\u001b[2J", "--output=\u009b"]) {
    const words = form === "" ? [] : form.split(" ");
    const { stdout, stderr } = await world.host.exec([...LS.split(" "), ...words]);
    expect(stdout + stderr, form).toMatch(/^[ -~\n]+$/);
  }
  const rows = JSON.parse(await world.host.must(`${LS} --json`)) as Row[];
  expect(rows.map(({ namespace }) => namespace)).toContain(path);
});

scene("what cannot be read beside the state is passed over, and a state is a word too", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await add(world, pods, red);
  await shell(
    world,
    `mkdir /run/docker; ln -s netns /run/docker/netns; mkfifo /run/netns/pipe; ln -s nowhere /run/netns/broken
mkdir /run/netns/folder; touch /run/netns/file; ip link add veth0 type veth peer name veth1 netns red`,
  );
  expect(await rowsOf(world, "ok")).toMatchObject([{ namespace: red.namespace }]);
  expect(await rowsOf(world, "foreign")).toMatchObject([{ hostInterface: "veth0" }]);
  const { status, stderr } = await world.host.exec([...LS.split(" "), ""]);
  expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining("name one pod") });
});

scene(
  "a pod with thousands of addresses has a line that can be read, and is found by each",
  async (world) => {
    const red = await world.pod("red");
    await shell(world, "ip link add veth0 type veth peer name veth1 netns red");
    const lines = Array.from(
      { length: 2000 },
      (_, at) => `addr add 10.9.${at >> 8}.${at & 255}/32 dev veth1\n`,
    );
    world.write("/run/batch", lines.join(""));
    await red.must("ip -b /run/batch");
    expect(await world.host.must(LS)).toContain("  10.9.0.0,10.9.0.1,10.9.0.2 +1997  ");
    expect(await world.host.must(`${LS} -o wide`)).toContain(",10.9.7.207 ");
    const [found] = await rowsOf(world, "10.9.7.207");
    expect(found?.addresses).toHaveLength(2000);
  },
);

scene("a reader that has seen enough hears nothing, and a full disk is told", async (world) => {
  const { stderr } = await world.host.exec(["sh", "-c", `${LS} --watch | head -n 1`]);
  expect(stderr).toBe("");
  const full = await world.host.exec(["sh", "-c", `${LS} > /dev/full`]);
  expect(full).toMatchObject({ status: 1, stderr: expect.stringContaining("ENOSPC") });
});

scene("a folder of configurations that is not there is told", async (world) => {
  const { status, stderr } = await world.host.exec(`${LS} networks --conf-dir /nowhere`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "There is no folder /nowhere.\n" });
});

test("without root, and with too many words, it says so", async () => {
  const asNobody = ["setpriv", "--reuid=65534", "--clear-groups", pluginBinary(), "ls"];
  expect(await run(asNobody)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^pontoon ls: only root may look .*sudo pontoon ls/),
  });
  expect(await run([pluginBinary(), "ls", "a", "b"])).toMatchObject({ status: 2 });
});

scene("on a terminal the rows are sorted as asked, and a last line sums them up", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, pods, pod);
  await world.host.must(`ip link set ${await hostLinkOf(world, red)} down`);
  const command = `stty cols 100; ${PLUGIN_FOLDER}/pontoon ls --sort`;
  const rows = async (key: string): Promise<string[]> =>
    (await world.host.must(["script", "--quiet", "--command", `${command} ${key}`, "/dev/null"]))
      .replaceAll("\r", "")
      .trim()
      .split("\n");
  const addresses = (lines: string[]) => lines.flatMap((line) => /10\.1\.0\.\d+/.exec(line)?.[0] ?? []);
  const byAddress = await rows("address");
  expect(addresses(byAddress)).toEqual(["10.1.0.2", "10.1.0.3"]);
  expect(byAddress.at(-1)).toBe("2 attachments, 1 with drift.");
  expect(addresses(await rows("age"))).toEqual(["10.1.0.3", "10.1.0.2"]);
});

test("a word that is an address or a port is no part of a name", () => {
  const row = (pod: string, more: Partial<Row> = {}): Row => ({
    ...{ pod, addresses: [], via: "", hostPorts: [], state: "ok", problems: [] },
    ...more,
  });
  const rows = [
    row("a/web-80", { hostPorts: ["8000-8010->80-90/tcp"] }),
    row("a/b", { hostPorts: ["[fd00::1]:80->8080/tcp"] }),
  ];
  expect(filterRows(rows, "80").map(({ pod }) => pod)).toEqual(["a/b"]);
  expect(filterRows(rows, "8005").map(({ pod }) => pod)).toEqual(["a/web-80"]);
  expect(filterRows(rows, "web-80").map(({ pod }) => pod)).toEqual(["a/web-80"]);
});

/** An ADD as a kubelet's runtime sends it, with the pod's name and host ports. */
async function addNamed(
  world: World,
  of: ReturnType<typeof network>,
  pod: Awaited<ReturnType<World["pod"]>>,
  { name, ports }: { name: string; ports: unknown[] },
): Promise<void> {
  const call = { network: of, pod };
  await world.host.must(`${PLUGIN_FOLDER}/pontoon`, {
    env: { ...pluginEnvironment("ADD", call), CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name}` },
    stdin: JSON.stringify({ ...JSON.parse(pluginInput(of)), runtimeConfig: { portMappings: ports } }),
  });
}
