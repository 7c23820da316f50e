// `pontoon draw`: the picture has all that `ip` shows, is safe to look at, and tells what is broken.
import { expect } from "vitest";
import { ifbsOf } from "../support/bandwidth.ts";
import { add } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { hostLinkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import type { Outcome } from "../support/process.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { everyElement, parseSvg, type SvgElement, seenTexts } from "../support/svg.ts";
import { wireNetwork } from "../support/wire.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const UNICODE = { LC_ALL: "C.UTF-8" };

const draw = (world: World, ...words: string[]): Promise<Outcome> =>
  world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "draw", ...words], { env: UNICODE });

/** A picture as text, which has to succeed without a word on stderr. */
async function text(world: World, ...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await draw(world, ...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const svg = async (world: World, ...words: string[]): Promise<SvgElement> =>
  parseSvg(await text(world, "--svg", ...words));

/** ADD of a pod whose name in Kubernetes is that of its namespace. */
const addNamed = (world: World, conflist: Network, pod: Pod, env: Record<string, string> = {}) =>
  add(world, conflist, pod, { CNI_ARGS: `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod.name}`, ...env });

/**
 * The interfaces of a place but for its loopback, and their addresses but for those of the link alone, by
 * `ip`.
 */
async function seenByIp(place: Place): Promise<string[]> {
  interface Shown {
    ifname: string;
    addr_info: { local: string; scope: string }[];
  }
  const shown = await place.json<Shown[]>("ip -j address show");
  return shown
    .filter(({ ifname }) => ifname !== "lo")
    .flatMap(({ ifname, addr_info }) => [
      ifname,
      ...addr_info.filter(({ local }) => !local.startsWith("fe80:")).map(({ local }) => local),
    ]);
}

/** Makes the node's default routes by the neighbour. */
async function leadOut(world: World): Promise<void> {
  const { v4, v6 } = await addNeighbour(world);
  await world.host.must(`ip route add default via ${v4}`);
  await world.host.must(`ip route add default via ${v6}`);
}

scene(
  "every pod, interface and address that ip shows is in the picture, as text and as SVG",
  async (world) => {
    await leadOut(world);
    const both = ["10.1.0.0/24", "fd01::/64"];
    const pods = portNetwork(world, "pods", { subnets: both, ingressPolicy: "open" });
    const limits = { ingressRate: 1e6, ingressBurst: 1e6, egressRate: 1e6, egressBurst: 1e6 };
    const late = { bridge: "pods0", isGateway: false, ipMasq: false, subnets: ["10.2.0.0/24"], ...limits };
    const slow = install(world, network("slow", late));
    const routed = install(world, ptpNetwork("routed", { subnets: ["10.3.0.0/24", "fd03::/64"] }));
    const lab = install(world, wireNetwork("lab"));
    const half = install(world, wireNetwork("half", { subnets: ["10.8.0.0/31"] }));
    const card = await plugIn(world);
    const fast = install(world, deviceNetwork("fast", { devices: [card.name] }));
    const names = ["web", "slow", "far", "red", "blue", "green", "stream"];
    const [web, tardy, far, red, blue, green, stream] = (await Promise.all(
      names.map((name) => world.pod(name)),
    )) as [Pod, Pod, Pod, Pod, Pod, Pod, Pod];
    await addNamed(world, pods, web, portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]));
    await addNamed(world, slow, tardy);
    await addNamed(world, routed, far);
    for (const pod of [red, blue]) await addNamed(world, lab, pod);
    await addNamed(world, half, green);
    await addNamed(world, fast, stream);
    await world.host.must("ip link add name other0 type bridge");
    await world.host.must("ip address add 172.17.0.1/16 dev other0");
    await world.host.must("ip netns add foreign");
    await world.host.must("ip link add port7 master other0 type veth peer name eth0 netns foreign");
    expect(await ifbsOf(world.host)).toHaveLength(1);
    await world.host.must("ip link add name spare7 type ifb");
    await world.host.must("ip address add 198.51.100.7/24 dev spare7");

    const places = [web, tardy, far, red, blue, green, stream];
    const wanted = (await Promise.all([world.host, ...places].map(seenByIp))).flat();
    wanted.push(
      ...places.map(({ name }) => `shop/${name}`),
      "foreign",
      card.name,
      "8080->80/tcp",
      "192.168.50.2",
    );
    const before = await snapshot(world);
    const drawn = await text(world);
    const texts = seenTexts(await svg(world)).join("\n");
    expect(wanted.filter((each) => !drawn.includes(each))).toEqual([]);
    expect(wanted.filter((each) => !texts.includes(each))).toEqual([]);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(drawn).not.toContain("✗");
    expect(drawn).toContain("▲ masquerading: network pods leaves as 192.168.50.1 or fd50::1");
  },
);

scene("what is broken has its sentence: in red, and nothing else has", async (world) => {
  const pods = install(world, network("pods"));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  for (const pod of [red, blue, green]) await addNamed(world, pods, pod);
  const end = await hostLinkOf(world, red);
  await world.host.must(`ip link set ${end} down`);
  await world.removePod(green);
  const drawn = (await text(world)).split("\n");
  const at = drawn.findIndex((line) => line.includes("shop/red"));
  expect(drawn[at]).toContain(`${end} ─✗┤ shop/red`);
  expect(drawn[at + 1]).toContain(`✗ the host's end ${end} of the veth pair`);
  const groups = everyElement(await svg(world)).filter(
    ({ tag, children }) => tag === "g" && children[0]?.tag === "title",
  );
  const redOnes = groups.filter(({ children }) =>
    children.some(({ attributes }) => attributes["class"] === "wrong"),
  );
  expect(redOnes.map(({ children }) => children[0]?.text.split("\n").slice(1))).toEqual(
    expect.arrayContaining([expect.arrayContaining([`the host's end ${end} of the veth pair is down`])]),
  );
  expect(redOnes).toHaveLength(drawn.filter((line) => line.includes("─✗┤")).length);
  expect(groups.map(({ text: all }) => all).filter((all) => all.includes("shop/blue"))).toHaveLength(1);
  expect(redOnes.some(({ text: all }) => all.includes("shop/blue"))).toBe(false);
});

scene("names with markup, colours and quotes do not break it", async (world) => {
  const bridge = `<b>"&'`;
  await world.host.must(["ip", "link", "add", "name", bridge, "type", "bridge"]);
  await world.host.must(["ip", "netns", "add", "<svg>\u001b[31m"]);
  const peer = ["type", "veth", "peer", "name", "]]>", "netns", "<svg>\u001b[31m"];
  await world.host.must(["ip", "link", "add", "name", "-->", "master", bridge, ...peer]);
  const drawn = await text(world);
  expect(drawn).toContain(`bridge ${bridge}`);
  expect(drawn).toContain("─┤ <svg>?[31m  ]]>");
  expect(drawn).not.toContain("\u001b");
  const seen = seenTexts(await svg(world));
  for (const name of ["<svg>?[31m", "]]>", "-->"]) expect(seen).toContain(name);
  expect(seen.some((each) => each.includes(`bridge ${bridge}`))).toBe(true);
});

scene("a word draws only what it names: a pod, a network, a bridge, an address", async (world) => {
  const pods = install(world, network("pods"));
  const data = install(world, network("data", { subnets: ["10.2.0.0/24"] }));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  for (const pod of [red, blue]) await addNamed(world, pods, pod);
  await addNamed(world, data, green);
  const shown = async (word: string): Promise<string[]> => {
    const drawn = await text(world, word);
    const texts = seenTexts(await svg(world, word));
    const names = ["red", "blue", "green"].filter((name) => drawn.includes(`shop/${name}`));
    expect(texts.filter((each) => each.startsWith("shop/")).sort()).toEqual(
      names.map((name) => `shop/${name}`).sort(),
    );
    return names;
  };
  expect(await shown("shop/red")).toEqual(["red"]);
  expect(await shown("pods")).toEqual(["red", "blue"]);
  expect(await shown("data0")).toEqual(["green"]);
  expect(await shown("10.1.0.3")).toEqual(["blue"]);
  expect(await shown(await hostLinkOf(world, green))).toEqual(["green"]);
  expect(await draw(world, "nobody")).toMatchObject({
    status: 1,
    stdout: 'Nothing on this node has the name, address or port "nobody".\n',
  });
});

scene("without a locale with UTF-8, and with --ascii, it is plain ASCII", async (world) => {
  await add(world, install(world, network("pods")), await world.pod("red"));
  const inC = await world.host.must(`${PLUGIN_FOLDER}/pontoon draw`, { env: { LC_ALL: "C" } });
  expect(inC).toMatch(/^[ -~\n]+$/);
  expect(inC).toContain("+--+ bridge pods0");
  expect(await text(world, "--ascii")).toBe(inC);
  expect(await text(world)).toContain("┤ bridge pods0");
});

scene(
  "what the node does with packets of others is told: forwarding, and chains that drop",
  async (world) => {
    const said = async (): Promise<string[]> => (await text(world)).match(/(?:forwards|chain) .*/g) ?? [];
    expect(await said()).toEqual(["forwards neither IPv4 nor IPv6"]);
    await world.host.must("sysctl -qw net.ipv6.conf.all.forwarding=1");
    expect(await said()).toEqual(["forwards IPv6, not IPv4"]);
    await world.host.must("sysctl -qw net.ipv4.ip_forward=1");
    await world.host.must("nft add table inet guard");
    const chain = "{ type filter hook forward priority 0 ; policy drop ; }";
    await world.host.must(["nft", `add chain inet guard way ${chain}`]);
    expect(await said()).toEqual([
      "forwards IPv4 and IPv6",
      "chain way of table inet guard drops what no rule accepts",
    ]);
  },
);

scene("a pod on two networks names the other, and limits are told", async (world) => {
  const pods = install(world, network("pods", { ingressRate: 1e7, ingressBurst: 1e7 }));
  const data = install(world, ptpNetwork("data", { subnets: ["10.2.0.0/24"] }));
  const red = await world.pod("red");
  await addNamed(world, pods, red);
  await addNamed(world, data, red, { CNI_IFNAME: "net1" });
  const words = (await text(world)).replaceAll(/[ │\n]+/g, " ");
  expect(words).toContain("also net1 in data, receives 10 Mbit/s at most");
  expect(words).toContain("also eth0 in pods");
});

scene("an empty node is a picture, too", async (world) => {
  expect(await text(world)).toMatch(/^ outside\n ┆ {2}no default route leads there\n │\n └─ node \S+\n/);
  expect(seenTexts(await svg(world))).toEqual(expect.arrayContaining(["outside", "no default route"]));
});
