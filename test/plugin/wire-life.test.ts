// The life of a wire (attach: wire): members that leave, die and come again, and what one of them keeps.
import { expect } from "vitest";
import { freeEndName } from "../../src/attachment/wire.ts";
import { add, addDirectly, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { dieAt } from "../support/hurt.ts";
import { linkOf } from "../support/link.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { holdings, hostLinks, WIRE_WITH_ALL, wireNetwork } from "../support/wire.ts";
import type { Pod, World } from "../support/world.ts";

/** Red and blue, joined directly. */
async function redAndBlue(world: World, wishes = {}) {
  const lab = install(world, wireNetwork("lab", wishes));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const nobody = await snapshot(world);
  await add(world, lab, red);
  await add(world, lab, blue);
  return { lab, red, blue, nobody };
}

/** The namespace of a member goes, and the kernel has taken the other's end with it. */
async function diesWithWire(world: World, pod: Pod, other: Pod): Promise<void> {
  await world.removePod(pod);
  await waitFor(
    "the wire has gone with its namespace",
    async () => (await other.exec("ip link show eth0")).status !== 0,
  );
}

for (const order of ["the first", "the second"])
  scene(
    `DEL of ${order} leaves the other interface, addresses and routes, without carrier`,
    async (world) => {
      const { lab, red, blue, nobody } = await redAndBlue(world, WIRE_WITH_ALL);
      const [leaving, staying] = order === "the first" ? [red, blue] : [blue, red];
      const before = await holdings(staying);
      await del(world, lab, leaving);
      expect(await holdings(staying)).toEqual(before);
      expect((await linkOf(staying, "eth0")).flags).toContain("NO-CARRIER");
      expect(await hostLinks(world)).toEqual([
        expect.stringMatching(
          new RegExp(`^wire[0-9a-f]{11} pontoon-wire-left lab ${staying.containerId} eth0$`),
        ) as string,
      ]);
      expect(await world.host.must("ip -br link show up")).not.toContain("wire");
      expect(await check(world, lab, staying)).toContain("the other pod has left network lab");
      await add(world, lab, leaving);
      expect(await pings(leaving, order === "the first" ? "10.7.0.1" : "10.7.0.0")).toBe(true);
      expect(await check(world, lab, staying)).toBeUndefined();
      for (const pod of [leaving, staying]) await del(world, lab, pod);
      expect((await snapshot(world)).attachments.minus(nobody.attachments).lines).toEqual([]);
      expect((await snapshot(world)).links.minus(nobody.links).lines).toEqual([]);
    },
  );

scene("a pod that takes the end of one that left gets none of its settings", async (world) => {
  const { lab, red, blue } = await redAndBlue(world, WIRE_WITH_ALL);
  await blue.must("ip link set eth0 arp off multicast off group 7");
  // One of the two names is taken on the node, the other in the next pod.
  for (const altName of ["node0", "pod0"])
    await blue.must(`ip link property add dev eth0 altname ${altName}`);
  await world.host.must("ip link add node0 type bridge");
  await del(world, lab, blue);
  install(world, wireNetwork("lab"));
  const green = await world.pod("green");
  await green.must("ip link add pod0 type bridge");
  await add(world, lab, green);
  const facts = async (pod: Pod): Promise<unknown> => {
    const { promiscuity, txqlen, group, altnames, flags } = await linkOf(pod, "eth0");
    const set = flags.filter((flag) => ["ALLMULTI", "NOARP", "MULTICAST"].includes(flag));
    return { promiscuity, txqlen, group, altnames, set };
  };
  const asMade = { promiscuity: 0, txqlen: 1000, group: "default", altnames: undefined, set: ["MULTICAST"] };
  expect(await facts(green)).toEqual(asMade);
  expect(await facts(red)).toMatchObject({ promiscuity: 1, txqlen: 77 });
});

scene(
  "a member that a program in the pod has renamed goes by its DEL, and a third pod takes its place",
  async (world) => {
    const { lab, red, blue } = await redAndBlue(world);
    for (const change of ["down", "name odd0"]) await blue.must(`ip link set eth0 ${change}`);
    const before = await holdings(red);
    await del(world, lab, blue);
    expect((await blue.exec("ip link show odd0")).status).not.toBe(0);
    expect(await holdings(red)).toEqual(before);
    const green = await world.pod("green");
    for (const address of addressesOf(await add(world, lab, green)))
      expect(await pings(red, address)).toBe(true);
  },
);

scene("CHECK of a member that has been alone so far is content", async (world) => {
  const lab = install(world, wireNetwork("lab"));
  const red = await world.pod("red");
  await add(world, lab, red);
  expect(await check(world, lab, red)).toBeUndefined();
  expect(await hostLinks(world)).toEqual([
    expect.stringMatching(
      new RegExp(`^wire[0-9a-f]{11} pontoon-wire-open lab ${red.containerId} eth0$`),
    ) as string,
  ]);
});

scene(
  "CHECK of a member is content when an ADD of another failed, unless one has left before",
  async (world) => {
    const [lab, odd] = [{}, { sysctl: { "net.ipv4.conf.IFNAME.odd": "1" } }].map((wishes) =>
      wireNetwork("lab", wishes),
    );
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    install(world, lab!);
    await add(world, lab!, red);
    const before = await hostLinks(world);
    const failed = async () => mustFail(await plugin(world, "ADD", { network: odd!, pod: blue })).code;
    expect(await failed()).toBe(140);
    expect(await hostLinks(world)).toEqual(before);
    expect(await check(world, lab!, red)).toBeUndefined();
    await add(world, lab!, blue);
    await del(world, lab!, blue);
    expect(await failed()).toBe(140);
    expect(await check(world, lab!, red)).toContain("the other pod has left network lab");
  },
);

for (const survivor of ["first", "second"])
  scene(
    `the ${survivor} member, whose wire died with the other namespace, gets all of it again with the next ADD`,
    async (world) => {
      const { lab, red, blue } = await redAndBlue(world, WIRE_WITH_ALL);
      const [dying, living] = survivor === "first" ? [blue, red] : [red, blue];
      const before = await holdings(living);
      const link = await linkOf(living, "eth0");
      await diesWithWire(world, dying, living);
      expect(await check(world, lab, living)).toContain("the next ADD of network lab makes it again");
      const green = await world.pod("green");
      const result = await add(world, lab, green);
      expect(await holdings(living)).toEqual(before);
      const { address, mtu, promiscuity, txqlen } = await linkOf(living, "eth0");
      expect({ address, mtu, promiscuity, txqlen }).toEqual({
        address: link.address,
        mtu: 1400,
        promiscuity: 1,
        txqlen: 77,
      });
      expect(await check(world, lab, living)).toBeUndefined();
      for (const there of addressesOf(result)) expect(await pings(living, there)).toBe(true);
      expect(await hostLinks(world)).toEqual([]);
    },
  );

scene("a pod that comes at once when a namespace has died finds a wire that works", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  await world.removePod(blue);
  const green = await world.pod("green");
  const result = await add(world, lab, green);
  for (const there of addressesOf(result)) expect(await pings(red, there)).toBe(true);
});

scene("a survivor whose namespace has gone too counts as dead, and its addresses are free", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  await world.removePod(red);
  await world.removePod(blue);
  const [green, pink] = [await world.pod("green"), await world.pod("pink")];
  await add(world, lab, green);
  await add(world, lab, pink);
  expect(await pings(green, "10.7.0.1")).toBe(true);
  for (const pod of [green, pink, red, blue]) await del(world, lab, pod);
  const { attachments, leases } = await snapshot(world);
  expect([...attachments.lines, ...leases.names]).toEqual([]);
  expect(await hostLinks(world)).toEqual([]);
});

scene("a member whose record was lost goes by its own DEL, and the other keeps its end", async (world) => {
  const { lab, red, blue, nobody } = await redAndBlue(world);
  await world.host.must(["sh", "-c", "rm /var/lib/cni/pontoon/lab/*.json"]);
  const before = await holdings(blue);
  mustSucceed(await plugin(world, "DEL", { network: lab, pod: red }));
  expect(await holdings(blue)).toEqual(before);
  expect(await hostLinks(world)).toHaveLength(1);
  mustSucceed(await plugin(world, "DEL", { network: lab, pod: red }));
  expect(await hostLinks(world)).toHaveLength(1);
  mustSucceed(await plugin(world, "DEL", { network: lab, pod: blue }));
  expect((await snapshot(world)).attachments.minus(nobody.attachments).lines).toEqual([]);
  expect(await hostLinks(world)).toEqual([]);
});

scene(
  "a lone member whose namespace is not told and whose record was lost goes by its DEL",
  async (world) => {
    const lab = install(world, wireNetwork("lab"));
    const red = await world.pod("red");
    await add(world, lab, red);
    await world.host.must(["sh", "-c", "rm /var/lib/cni/pontoon/lab/*.json"]);
    mustSucceed(await plugin(world, "DEL", { network: lab, pod: red, netns: "" }));
    expect(await hostLinks(world)).toEqual([]);
  },
);

scene("DEL without a namespace takes a recorded member off", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  mustSucceed(await plugin(world, "DEL", { network: lab, pod: red, netns: "" }));
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  expect(await hostLinks(world)).toHaveLength(1);
  mustSucceed(await plugin(world, "DEL", { network: lab, pod: blue, netns: "" }));
  expect(await hostLinks(world)).toEqual([]);
});

scene("a GC removes a member that is not listed, and keeps the other's end", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  const before = await holdings(blue);
  const collect = (pods: Pod[]) =>
    plugin(world, "GC", { network: lab, more: { "cni.dev/valid-attachments": listed(pods) } });
  mustSucceed(await collect([blue]));
  expect(await holdings(blue)).toEqual(before);
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  expect(await hostLinks(world)).toHaveLength(1);
  mustSucceed(await collect([]));
  expect(await hostLinks(world)).toEqual([]);
});

scene("a GC removes a free end that no member needs, and leaves that of a listed one", async (world) => {
  const lab = install(world, wireNetwork("lab"));
  const red = await world.pod("red");
  await add(world, lab, red);
  await world.host.must(["sh", "-c", "rm /var/lib/cni/pontoon/lab/*.json"]);
  const collect = (pods: Pod[]) =>
    plugin(world, "GC", { network: lab, more: { "cni.dev/valid-attachments": listed(pods) } });
  mustSucceed(await collect([red]));
  expect(await hostLinks(world)).toHaveLength(1);
  mustSucceed(await collect([]));
  expect(await hostLinks(world)).toEqual([]);
});

scene(
  "the name of the free end that another interface has is refused, and that interface stays",
  async (world) => {
    const lab = install(world, wireNetwork("lab"));
    const red = await world.pod("red");
    await add(world, lab, red);
    const [name = ""] = (await hostLinks(world))[0]!.split(" ");
    await del(world, lab, red);
    await world.host.must(`ip link add ${name} type ifb`);
    expect(mustFail(await plugin(world, "ADD", { network: lab, pod: red }))).toMatchObject({
      code: 125,
      msg: expect.stringContaining(`the name ${name} of the free end of network lab`) as string,
    });
    expect(await hostLinks(world)).toHaveLength(1);
    await world.host.must(`ip link delete ${name}`);
    await addDirectly(world, { network: lab, pod: red });
  },
);

scene("a leaving member whose parked name another interface has stays until that has gone", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  await del(world, lab, red);
  const [name = ""] = (await hostLinks(world))[0]!.split(" ");
  await add(world, lab, red);
  await world.host.must(`ip link add ${name} type ifb`);
  const before = await holdings(blue);
  const { leases } = await snapshot(world);
  expect(mustFail(await plugin(world, "DEL", { network: lab, pod: red }))).toMatchObject({ code: 160 });
  expect(await holdings(blue)).toEqual(before);
  expect(await holdings(red)).not.toEqual([]);
  expect((await snapshot(world)).leases.names).toEqual(leases.names);
  await world.host.must(`ip link delete ${name}`);
  await del(world, lab, red);
  expect(await holdings(blue)).toEqual(before);
});

scene("a member whose MAC another program has changed is the same member, for its DEL too", async (world) => {
  const { lab, red, blue } = await redAndBlue(world);
  await red.must("ip link set eth0 address 02:00:00:00:00:99");
  await red.must("ip link set eth0 up");
  const green = await world.pod("green");
  const wide = install(world, wireNetwork("lab", { subnets: ["10.7.0.0/24"] }));
  expect(mustFail(await plugin(world, "ADD", { network: wide, pod: green })).code).toBe(125);
  const before = await holdings(blue);
  await del(world, lab, red);
  expect(await holdings(blue)).toEqual(before);
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  expect(await hostLinks(world)).toHaveLength(1);
});

scene("a member with a damaged record keeps its end when a third pod comes", async (world) => {
  const { red, blue, lab } = await redAndBlue(world, { subnets: ["10.7.0.0/24"] });
  await world.host.must([
    "sh",
    "-c",
    `cd /var/lib/cni/pontoon/lab; echo torn > $(grep -l ${blue.containerId} *.json)`,
  ]);
  const green = await world.pod("green");
  const before = await holdings(blue);
  expect(mustFail(await plugin(world, "ADD", { network: lab, pod: green }))).toMatchObject({
    code: 125,
    msg: expect.stringContaining(
      "the other end of the wire of network lab may be that of an unknown pod",
    ) as string,
  });
  expect(await holdings(blue)).toEqual(before);
  expect(await pings(red, "10.7.0.2")).toBe(true);
});

/** Removes the record of one pod: a person, or a disk, lost it. */
async function loseRecord(world: World, { containerId }: Pod): Promise<void> {
  await world.host.must(["sh", "-c", `cd /var/lib/cni/pontoon/lab; rm $(grep -l ${containerId} *.json)`]);
}

/** Gives a pod an end of network lab whose other end is free, as a member has that no record tells of. */
async function pairWithoutRecord(world: World, pod: Pod): Promise<void> {
  const free = freeEndName("lab");
  await world.host.must(`ip link add ${free} type veth peer name eth0 netns ${pod.name}`);
  for (const [place, name, alias] of [
    [world.host, free, `pontoon-wire-open lab ${pod.containerId} eth0`],
    [pod, "eth0", `pontoon lab ${pod.containerId} eth0`],
  ] as const)
    await place.must(["ip", "link", "set", name, "alias", alias]);
}

scene(
  "DEL of a member leaves the other its end although the free end is another's, and succeeds when that is gone",
  async (world) => {
    const { red, blue, lab } = await redAndBlue(world, { subnets: ["10.7.0.0/24"] });
    const pink = await world.pod("pink");
    await pairWithoutRecord(world, pink);
    const before = await holdings(blue);
    const { code, details } = mustFail(await plugin(world, "DEL", { network: lab, pod: red }));
    expect([code, details]).toEqual([160, expect.stringContaining(`lab ${pink.containerId} eth0`)]);
    expect(await holdings(blue)).toEqual(before);
    expect(await pings(blue, "10.7.0.1")).toBe(true);
    for (const pod of [pink, red]) mustSucceed(await plugin(world, "DEL", { network: lab, pod }));
    expect(await holdings(blue)).toEqual(before);
    expect(await hostLinks(world)).toEqual([
      expect.stringContaining(`pontoon-wire-left lab ${blue.containerId} eth0`) as string,
    ]);
  },
);

scene(
  "a member whose record was lost keeps its end when a third pod comes, which is told of it",
  async (world) => {
    const { red, blue, lab } = await redAndBlue(world, { subnets: ["10.7.0.0/24"] });
    await loseRecord(world, red);
    const green = await world.pod("green");
    const before = await holdings(red);
    const { code, msg, details } = mustFail(await plugin(world, "ADD", { network: lab, pod: green }));
    expect([code, msg]).toEqual([125, expect.stringContaining("the other end of the wire of network lab")]);
    expect(details).toContain(`"eth0" with the alias "pontoon lab ${red.containerId} eth0"`);
    expect(await holdings(red)).toEqual(before);
    expect(await pings(blue, "10.7.0.1")).toBe(true);
    mustSucceed(await plugin(world, "DEL", { network: lab, pod: red }));
    for (const address of addressesOf(await add(world, lab, green)))
      expect(await pings(blue, address)).toBe(true);
  },
);

scene(
  "a member whose record was lost keeps its end when the free end is another's that waits for one",
  async (world) => {
    const { red, blue, lab } = await redAndBlue(world, { subnets: ["10.7.0.0/24"] });
    await diesWithWire(world, red, blue);
    const [green, pink] = [await world.pod("green"), await world.pod("pink")];
    await pairWithoutRecord(world, pink);
    const { code, details } = mustFail(await plugin(world, "ADD", { network: lab, pod: green }));
    expect([code, details]).toEqual([125, expect.stringContaining(`lab ${pink.containerId} eth0`)]);
    expect((await linkOf(pink, "eth0")).ifname).toBe("eth0");
    mustSucceed(await plugin(world, "DEL", { network: lab, pod: pink }));
    for (const address of addressesOf(await add(world, lab, green)))
      expect(await pings(blue, address)).toBe(true);
  },
);

scene(
  "a pod that comes when a dead member has had its DEL already finds a wire that works",
  async (world) => {
    const { lab, red, blue } = await redAndBlue(world);
    await world.removePod(blue);
    mustSucceed(await plugin(world, "DEL", { network: lab, pod: blue, netns: "" }));
    const green = await world.pod("green");
    for (const there of addressesOf(await add(world, lab, green))) expect(await pings(red, there)).toBe(true);
  },
);

scene("a member whose DEL died when its end was parked does not keep its place", async (world) => {
  const { lab, red, blue } = await redAndBlue(world, { subnets: ["10.7.0.0/24"] });
  const call = { network: lab, pod: red };
  expect(await dieAt(world, "DEL", call, { kind: "unlinkat", count: 1 })).toBe(true);
  expect(await hostLinks(world)).toHaveLength(1);
  const green = await world.pod("green");
  for (const address of addressesOf(await add(world, lab, green)))
    expect(await pings(blue, address)).toBe(true);
  mustSucceed(await plugin(world, "DEL", call));
  expect(await pings(blue, "10.7.0.3")).toBe(true);
});
