// `pontoon node` on a host that others use too: nothing of theirs changes, a removal leaves nothing, and what
// a dry run or a wrong document asks for does not happen.
import { expect, test } from "vitest";
import { apply, mustApply, pontoonNode, segment, type WishJson } from "../support/cluster.ts";
import { run } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment, killedAt } from "../support/strace.ts";
import { SYSTEM_PATH, toolPath } from "../support/tool.ts";
import { CONFIG_FOLDER, pluginBinary, type World } from "../support/world.ts";

const CONFLIST = `${CONFIG_FOLDER}/10-pontoon.conflist`;
const HERE = ["--conf-dir", CONFIG_FOLDER];

/** A host on a segment, which forwards already, and a wish with every part for it. */
async function host(world: World): Promise<WishJson> {
  const lan = await segment(world, "lan");
  await world.host.must("ip link add eth0 type veth peer name p-host netns lan");
  await lan.must("ip link set p-host master br0 up");
  await world.host.must("ip link set eth0 up");
  await world.host.must("ip address add 10.90.0.11/24 dev eth0");
  await world.host.must("ip address add fd90::11/64 dev eth0 nodad");
  await world.host.must("ip route add default via 10.90.0.1");
  await world.host.must("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  return {
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
      peers: [{ subnets: ["10.244.3.0/24", "fd01:3::/64"], address: "10.91.0.13", mac: "0e:58:00:00:00:03" }],
    },
    masquerade: { except: ["10.90.0.0/16"] },
    conflist: { path: CONFLIST, content: '{"cniVersion":"1.0.0","name":"pods","plugins":[]}' },
  };
}

/** Things of other programs that look like ours as far as they can. */
async function strangers(world: World): Promise<void> {
  for (const command of [
    "ip route add 10.244.9.0/24 via 10.90.0.19",
    "ip route add 10.244.9.0/24 via 10.90.0.19 metric 7 proto 181",
    "ip route add 10.244.9.0/24 via 10.90.0.19 table 77 proto 180",
    "ip -6 route add fd01:9::/64 via fd90::19 proto static",
    "ip link add pontoon-vxlan9 type vxlan id 10 dstport 4789 local 10.90.0.11",
    "nft add table inet pontoon-node2",
    "nft add table ip pontoon-node",
  ])
    await world.host.must(command);
  world.write(`${CONFIG_FOLDER}/20-other.conflist`, '{"name":"other"}');
  world.write(`${CONFIG_FOLDER}/.20-other.conflist`, "hidden");
}

scene("an apply and a removal leave all that is not Pontoon's, and nothing of ours", async (world) => {
  const wish = await host(world);
  await strangers(world);
  const before = await snapshot(world);
  expect((await mustApply(world.host, wish, ...HERE)).length).toBeGreaterThan(8);
  expect((await snapshot(world)).minus(before).lines.filter((line) => line.startsWith("-"))).toEqual([]);
  expect(await mustApply(world.host, wish, ...HERE)).toEqual([]);
  const removed = await pontoonNode(world.host, ["remove", ...HERE]);
  expect(removed).toMatchObject({ status: 0, stderr: "" });
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  expect((await pontoonNode(world.host, ["remove", ...HERE])).stdout).toBe(
    "nothing to do: the node is as wished\n",
  );
});

scene("show prints what is there, as text that fits and as JSON, and changes nothing", async (world) => {
  const wish = await host(world);
  expect((await pontoonNode(world.host, ["show", ...HERE])).stdout).toBe(
    "nothing: no wish was applied on this node\n",
  );
  await mustApply(world.host, wish, ...HERE);
  const applied = await snapshot(world);
  const { stdout } = await pontoonNode(world.host, ["show", "--json", ...HERE]);
  expect(JSON.parse(stdout)).toEqual({
    routes: [
      { subnet: "10.244.2.0/24", via: "10.90.0.12", interface: "eth0" },
      { subnet: "10.244.3.0/24", via: "10.244.3.0", interface: "pontoon-vxlan" },
      { subnet: "fd01:2::/64", via: "fd90::12", interface: "eth0" },
      { subnet: "fd01:3::/64", via: "fe80::c58:ff:fe00:3", interface: "pontoon-vxlan" },
    ],
    tunnel: {
      name: "pontoon-vxlan",
      mac: "0e:18:c2:e8:d5:87",
      mtu: 1450,
      isUp: true,
      vni: 9,
      port: 8472,
      local: "10.90.0.11",
      peers: [{ mac: "0e:58:00:00:00:03", address: "10.91.0.13" }],
    },
    masquerade: {
      from: ["10.244.1.0/24", "fd01:1::/64"],
      except: [
        "10.90.0.0/16",
        "10.244.1.0-10.244.3.255",
        "224.0.0.0/4",
        "255.255.255.255",
        "fd01:1::/64",
        "fd01:2::/64",
        "fd01:3::/64",
        "ff00::/8",
      ],
    },
    conflists: [{ path: CONFLIST, state: "as written" }],
  });
  const text = (await pontoonNode(world.host, ["show", ...HERE])).stdout;
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  for (const part of [
    "10.244.2.0/24  10.90.0.12",
    "MTU 1450, up",
    "  224.0.0.0/4\n",
    `${CONFLIST}: as written`,
  ])
    expect(text).toContain(part);
  expect((await snapshot(world)).minus(applied).lines).toEqual([]);
});

test("a wrong command line is told before anything is read", async () => {
  for (const [words, sentence] of [
    [[], "say apply, show, watch, remove"],
    [["aply"], 'unknown action of node "aply"; did you mean "apply"?'],
    [["foo"], 'unknown action of node "foo"; there is apply, show, watch, remove'],
    [["apply", "wish.json"], '"wish.json" is one word too many'],
    [["show", "--dry-run"], "--dry-run is not for show"],
  ] as const) {
    const { status, stderr } = await run([pluginBinary(), "node", ...words]);
    expect(status, stderr).toBe(2);
    expect(stderr).toContain(`pontoon node: ${sentence}`);
  }
});

test("who is not root is told so", async () => {
  const command = [toolPath("setpriv"), "--reuid=65534", "--clear-groups", pluginBinary(), "node", "show"];
  const { status, stderr } = await run(command, { env: { PATH: SYSTEM_PATH } });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^pontoon node: only root may .*"sudo pontoon node show"\.\n$/),
  });
});

scene("a dry run tells all that would change, and changes nothing", async (world) => {
  const wish = await host(world);
  await world.host.must("sysctl -qw net.ipv4.ip_forward=0");
  const before = await snapshot(world);
  const told = await mustApply(world.host, wish, "--dry-run", ...HERE);
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  expect(await mustApply(world.host, wish, ...HERE)).toEqual(told);
  const applied = await snapshot(world);
  const other = { ...wish, tunnel: { ...wish["tunnel"], vni: 10 }, routes: [] };
  const change = await pontoonNode(world.host, ["apply", "--dry-run", ...HERE], { wish: other });
  expect(change.stdout).toContain("tunnel pontoon-vxlan: would be changed\n");
  expect((await pontoonNode(world.host, ["remove", "--dry-run", ...HERE])).stdout).toContain(
    `conflist ${CONFLIST}: would be removed\n`,
  );
  expect((await snapshot(world)).minus(applied).lines).toEqual([]);
});

scene(
  "a route of another program in the place of ours is left alone, and the route refused",
  async (world) => {
    const wish = await host(world);
    await world.host.must("ip route add 10.244.2.0/24 via 10.90.0.99");
    await world.host.must("ip -6 route add fd01:3::/64 via fd90::99");
    const { status, refused } = await apply(world.host, wish, ...HERE);
    expect({ status, refused: refused.map(({ what, code }) => [code, what]) }).toEqual({
      status: 1,
      refused: [
        ["foreignRoute", "route 10.244.2.0/24 via 10.90.0.12"],
        ["foreignRoute", "route fd01:3::/64 by the tunnel"],
      ],
    });
    expect(await world.host.must("ip route show 10.244.2.0/24")).toContain("via 10.90.0.99");
    expect(await world.host.must("ip -6 route show fd01:3::/64")).toContain("via fd90::99");
    await world.host.must("ip route delete 10.244.2.0/24");
    await world.host.must("ip -6 route delete fd01:3::/64");
    expect(await mustApply(world.host, wish, ...HERE)).toHaveLength(2);
  },
);

scene("the configuration is replaced and removed only while it is as Pontoon wrote it", async (world) => {
  const wish = await host(world);
  world.write(CONFLIST, '{"name":"of another"}');
  const first = await apply(world.host, wish, ...HERE);
  expect(first).toMatchObject({ status: 1, refused: [{ code: "foreignConflist" }] });
  expect(world.read(CONFLIST)).toBe('{"name":"of another"}');
  await world.host.must(`rm ${CONFLIST}`);
  expect(await mustApply(world.host, wish, ...HERE)).toEqual([`conflist ${CONFLIST}: added`]);
  expect(world.read(CONFLIST)).toBe(wish["conflist"].content);
  const other = { ...wish, conflist: { path: CONFLIST, content: '{"name":"changed"}' } };
  expect(await mustApply(world.host, other, ...HERE)).toEqual([`conflist ${CONFLIST}: changed`]);
  const moved = { ...other, conflist: { ...other.conflist, path: `${CONFIG_FOLDER}/05-pontoon.conflist` } };
  expect(await mustApply(world.host, moved, ...HERE)).toEqual([
    `conflist ${CONFIG_FOLDER}/05-pontoon.conflist: added`,
    `conflist ${CONFLIST}: removed`,
  ]);
  world.write(`${CONFIG_FOLDER}/05-pontoon.conflist`, '{"name":"edited by hand"}');
  expect(await apply(world.host, moved, ...HERE)).toMatchObject({ status: 1 });
  const removed = await pontoonNode(world.host, ["remove", "--json", ...HERE]);
  expect(JSON.parse(removed.stdout)).toMatchObject({
    notes: [
      {
        code: "foreignConflist",
        text: expect.stringContaining("05-pontoon.conflist has been changed since; it was left alone"),
      },
    ],
  });
  expect(world.read(`${CONFIG_FOLDER}/05-pontoon.conflist`)).toBe('{"name":"edited by hand"}');
});

scene("a configuration that is found by another name of its folder stays", async (world) => {
  const wish = await host(world);
  const [folder, name] = [CONFIG_FOLDER, "10-pontoon.conflist"];
  await world.host.must(`ln -s ${folder} /run/linked`);
  for (const path of [`${folder}//${name}`, `/run/linked/${name}`]) {
    const other = { ...wish, conflist: { ...wish["conflist"], path } };
    expect(await mustApply(world.host, other, ...HERE)).not.toContain(`conflist ${CONFLIST}: removed`);
    expect(world.read(CONFLIST)).toBe(wish["conflist"].content);
    expect(await mustApply(world.host, other, ...HERE)).toEqual([]);
  }
});

scene(
  "a bridge keeps no gateway of a subnet that is the node's no longer, and all else that it has",
  async (world) => {
    const wish = await host(world);
    const of = (...subnets: string[]): WishJson => {
      const ranges = subnets.map((subnet) => [{ subnet }]);
      const plugins = [{ type: "pontoon", bridge: "pods0", ipam: { type: "host-local", ranges } }];
      const content = JSON.stringify({ cniVersion: "1.0.0", name: "pods", plugins });
      return { ...wish, podSubnets: subnets, conflist: { path: CONFLIST, content } };
    };
    await mustApply(world.host, of("10.244.1.0/24", "fd01:1::/64"), ...HERE);
    await world.host.must("ip link add pods0 type bridge");
    await world.host.must("ip link set pods0 up");
    for (const address of ["10.244.1.1/24", "fd01:1::1/64", "192.0.2.1/24"])
      await world.host.must(`ip address add ${address} dev pods0`);
    const changes = await mustApply(
      world.host,
      {
        ...of("fd01:1::/64", "10.244.7.0/24"),
        // The subnet of before is another node's now.
        routes: [{ subnet: "10.244.1.0/24", via: "10.90.0.12" }],
      },
      ...HERE,
    );
    expect(changes).toContain("address 10.244.1.1/24 of pods0: removed");
    expect(changes).toContain("route 10.244.1.0/24 via 10.90.0.12: added");
    const left = await world.host.must("ip -br address show pods0");
    expect(left).toContain("192.0.2.1/24 fd01:1::1/64");
    expect(left).not.toContain("10.244.1.1");
  },
);

scene(
  "with the last configuration goes its bridge, unless a pod is on it or it serves others",
  async (world) => {
    const wish = await host(world);
    const entry = { type: "pontoon", bridge: "pods0", ipam: { ranges: [[{ subnet: "10.244.1.0/24" }]] } };
    const content = JSON.stringify({ cniVersion: "1.0.0", name: "pods", plugins: [entry] });
    const full = { ...wish, conflist: { path: CONFLIST, content } };
    const remove = async (): Promise<{ changed: { what: string }[]; notes: { code: string }[] }> => {
      await mustApply(world.host, full, ...HERE);
      const { stdout } = await pontoonNode(world.host, ["remove", "--json", ...HERE]);
      return JSON.parse(stdout);
    };
    const bridges = (): Promise<string> => world.host.must("ip -br link show type bridge");
    await world.host.must("ip link add pods0 type bridge");
    await world.host.must("ip addr add 10.244.1.1/24 dev pods0");
    await world.host.must("ip link add pod type veth peer name far");
    await world.host.must("nft add table inet pontoon-ports");
    await world.host.must("ip link set pod master pods0");
    expect((await remove()).notes).toEqual([{ code: "inUse", text: "bridge pods0 stays: 1 port is on it" }]);
    await world.host.must("ip link del pod");
    await world.host.must("ip addr add 192.0.2.1/24 dev pods0");
    expect((await remove()).notes).toEqual([
      { code: "inUse", text: "bridge pods0 stays: it has an address of others" },
    ]);
    expect(await bridges()).toContain("pods0");
    await world.host.must("ip addr del 192.0.2.1/24 dev pods0");
    expect(await world.host.must("nft list tables")).toContain("inet pontoon-ports");
    expect((await remove()).changed.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["bridge pods0", "table inet pontoon-ports"]),
    );
    expect(await bridges()).not.toContain("pods0");
    expect(await world.host.must("nft list tables")).not.toContain("pontoon");
  },
);

scene("a configuration that a runtime takes before ours is told", async (world) => {
  const wish = await host(world);
  world.write(`${CONFIG_FOLDER}/00-other.conf`, "{}");
  const { notes } = await apply(world.host, wish, ...HERE);
  expect(notes).toEqual([
    {
      code: "firstConflist",
      text: `a runtime takes ${CONFIG_FOLDER}/00-other.conf before 10-pontoon.conflist, since its name comes first`,
    },
  ]);
});

scene("an interface that does not forward, though the node does, is told", async (world) => {
  const wish = await host(world);
  await world.host.must("ip link add eth0.9 type veth peer name far9");
  await world.host.must("ip link set eth0.9 up");
  await world.host.must("ip address add 10.99.0.11/24 dev eth0.9");
  await world.host.must("ip route replace default via 10.99.0.1");
  expect((await apply(world.host, wish, ...HERE)).notes).toEqual([]);
  for (const name of ["eth0", "eth0.9"]) {
    const setting = `net/ipv4/conf/${name}/forwarding`;
    await world.host.must(`sysctl -qw ${setting}=0`);
    const { status, notes } = await apply(world.host, wish, ...HERE);
    expect(status).toBe(0);
    expect(notes).toMatchObject([{ code: "notForwarding" }]);
    expect(notes[0]?.text).toContain(`"sysctl -w ${setting}=1"`);
    await world.host.must(["sh", "-c", /"(sysctl [^"]+)"/.exec(notes[0]?.text ?? "")?.[1] ?? "false"]);
    expect((await apply(world.host, wish, ...HERE)).notes).toEqual([]);
  }
});

scene("what keeps forwarding or masquerading away keeps the configuration away too", async (world) => {
  const wish = await host(world);
  await world.host.must("sysctl -qw net.ipv4.ip_forward=0");
  const through = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -o bind,ro /proc/sys /proc/sys && exec "$@"',
    "-",
  ];
  const { status, stdout, stderr } = await pontoonNode(world.host, ["apply", "--json", ...HERE], {
    wish,
    through,
  });
  expect({ status, has: world.has(CONFLIST) }).toEqual({ status: 1, has: false });
  expect(JSON.parse(stdout)).toMatchObject({ refused: [{ code: "failed" }, { code: "notReady" }] });
  expect(stderr).toContain("pontoon node: forwarding of IPv4: kernel setting cannot be made");
  expect(stderr).toContain("forwarding and masquerading have to be there before it");
  expect(await mustApply(world.host, wish, ...HERE)).toEqual([
    "forwarding of IPv4: changed",
    `conflist ${CONFLIST}: added`,
  ]);
});

scene("a wrong document changes nothing, and no text of it reaches the terminal raw", async (world) => {
  const wish = await host(world);
  const before = await snapshot(world);
  for (const hostile of [
    { ...wish, "\u001b[31m\u202e": 1 },
    { ...wish, podSubnets: ["\u001b]0;x\u0007"] },
    { ...wish, conflist: { path: "/\u009b31m.conflist", content: "\u001b" } },
    { ...wish, routes: [...wish["routes"], { subnet: "10.244.2.0/25", via: "10.90.0.13" }] },
  ]) {
    const { status, stdout, stderr } = await pontoonNode(world.host, ["apply", ...HERE], { wish: hostile });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^(pontoon node: [ -~]+\n)+$/);
  }
  for (const stdin of [
    "",
    "{",
    "null",
    "[]",
    '"x"',
    "[".repeat(100_000),
    `{"version":1,"a":"${"x".repeat(1e6)}"}`,
  ]) {
    const { status, stderr } = await pontoonNode(world.host, ["apply", ...HERE], { stdin });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/^pontoon node: .+\.\n/) });
  }
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene(
  "an apply that dies before any one of its system calls is completed by the next, and a removal too",
  async (world) => {
    const wish = await host(world);
    const bare = await snapshot(world);
    await mustApply(world.host, wish, ...HERE);
    const whole = await snapshot(world);
    const other = {
      ...wish,
      routes: [{ subnet: "10.244.2.0/24", via: "10.90.0.22" }],
      tunnel: { ...wish["tunnel"], vni: 10 },
      masquerade: { except: [] },
      conflist: { path: CONFLIST, content: '{"name":"changed"}' },
    };
    /** Dies at the moment, or is over before; anything else is a fault. */
    const dies = async (words: string[], moment: Parameters<typeof killedAt>[0], from?: WishJson) => {
      const outcome = await pontoonNode(world.host, [...words, ...HERE], {
        through: killedAt(moment),
        ...(from === undefined ? {} : { wish: from }),
      });
      expect([undefined, 0]).toContain(outcome.status);
      return outcome.status === undefined;
    };
    for (const [words, start, end, from] of [
      [["apply"], bare, whole, wish],
      [["apply"], whole, whole, other],
      [["apply"], bare, bare, wish],
      [["remove"], whole, bare, undefined],
    ] as const)
      await atEveryMoment(async (moment) => {
        await (start === bare
          ? pontoonNode(world.host, ["remove", ...HERE])
          : mustApply(world.host, wish, ...HERE));
        const died = await dies([...words], moment, from);
        if (end === bare) expect((await pontoonNode(world.host, ["remove", ...HERE])).status).toBe(0);
        else {
          await mustApply(world.host, wish, ...HERE);
          expect(await mustApply(world.host, wish, ...HERE)).toEqual([]);
        }
        const left = (await snapshot(world)).minus(end).lines.filter((line) => !line.includes("/strace"));
        expect(left, `${words[0]} killed at ${moment.kind} ${moment.count}`).toEqual([]);
        return died;
      });
  },
  300_000,
);
