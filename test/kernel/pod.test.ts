// The pod's end of the veth pair, set up in the pod's own namespace.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { CniError } from "../../src/cni/error.ts";
import { announce } from "../../src/host/kind/announce/announce.ts";
import { pod } from "../../src/host/kind/pod/pod.ts";
import { checkInterfaceIsFree, veth } from "../../src/host/kind/veth/veth.ts";
import { failure } from "../support/failure.ts";
import { address } from "../support/ip.ts";
import { ipLink, Netns } from "../support/netns.ts";
import { sentenceOf } from "../support/sentence.ts";
import { waitFor } from "../support/wait.ts";
import { advertise } from "./advertise.ts";
import { announceStep, attaching, onBridge, podRoute, podStep, VETH } from "./attach.ts";
import { Scene } from "./scene.ts";

interface Address {
  local: string;
  tentative?: boolean;
}

function addresses(scene: Scene): Address[] {
  const links = scene.pod.json<{ addr_info: Address[] }[]>("ip -j address show dev eth0");
  return links.flatMap(({ addr_info }) => addr_info);
}

function setUp(scene: Scene, step = podStep(["10.1.0.2/24", "fd01::2/64"])): void {
  onBridge(scene, (on) => {
    veth.apply(VETH, on);
    pod.apply(step, on);
    announce.apply(announceStep({ addresses: [] }), on);
  });
}

test("every address is in use when the set-up returns, within moments, IPv6 too", () => {
  using scene = new Scene();
  const start = performance.now();
  setUp(scene);
  expect(performance.now() - start).toBeLessThan(1_500);
  const found = addresses(scene).filter(({ local }) => ["10.1.0.2", "fd01::2"].includes(local));
  expect(found).toHaveLength(2);
  for (const each of found) expect(each.tentative).toBeUndefined();
  expect(ipLink(scene.pod, "eth0")?.flags).toEqual(expect.arrayContaining(["UP", "LOWER_UP"]));
});

test("a pair whose settings the kernel refuses is gone again, both ends of it", () => {
  using scene = new Scene();
  const alias = "a".repeat(256);
  const error = onBridge(scene, (on) =>
    failure(() => veth.apply({ ...VETH, host: { ...VETH.host, alias } }, on)),
  );
  expect(error).toMatchObject({ code: 120, details: expect.stringContaining("ERANGE") as string });
  expect([ipLink(scene.host, VETH.host.name), ipLink(scene.pod, "eth0")]).toEqual([undefined, undefined]);
});

test("IPv6 is switched on in a pod where it is off, on the interface and on lo, and nowhere in the host", () => {
  using scene = new Scene();
  scene.pod.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
  const paths = ["all", "default", "lo", "br0"].flatMap((name) =>
    ["disable_ipv6", "accept_dad", "keep_addr_on_down", "ndisc_notify"].map(
      (setting) => `/proc/sys/net/ipv6/conf/${name}/${setting}`,
    ),
  );
  const settings = () => scene.host.run(`cat ${paths.join(" ")}`);
  const before = settings();
  setUp(scene);
  expect(addresses(scene).map(({ local }) => local)).toContain("fd01::2");
  expect(scene.pod.run("sysctl -n net.ipv6.conf.lo.disable_ipv6")).toBe("0\n");
  expect(settings()).toBe(before);
});

test.each([[["10.1.0.2/24"]], [["10.1.0.2/24", "fd01::2/64"]]])(
  "a pod with %j learns nothing from a router that somebody plays on the bridge",
  async (given) => {
    using scene = new Scene();
    using witness = Netns.open();
    setUp(scene, podStep(given));
    scene.host.run(`ip link add name port master br0 type veth peer name eth0 netns ${witness.path}`);
    scene.host.run("ip link set port up");
    scene.host.run("ip address add fe80::1/64 dev br0 nodad");
    witness.run("ip link set eth0 up");
    const routes = (netns: Netns) => netns.run("ip -6 route show proto ra");
    await waitFor(
      "another node on the bridge has learnt a route",
      () => advertise(scene.host, "br0") && routes(witness).includes("default"),
    );
    expect(routes(scene.pod)).toBe("");
  },
);

test("a pod without addresses of ours listens to routers as the kernel has it", () => {
  using scene = new Scene();
  setUp(scene, podStep([]));
  expect(scene.pod.run("sysctl -n net.ipv6.conf.eth0.accept_ra")).toBe("1\n");
});

test("the thread is back in the host's namespace, also when the pod's refused something", () => {
  using scene = new Scene();
  scene.host.run("ip link add here type bridge");
  onBridge(scene, (on) => {
    veth.apply(VETH, on);
    expect(() =>
      on.pod.inside(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(() => pod.apply(podStep(["10.1.0.2/24", "10.1.0.2/24"]), on)).toThrow(CniError);
    expect(spawnSync("ip", ["-br", "link", "show", "here"], { encoding: "utf8" }).stdout).toContain("here");
  });
});

test("an address twice is an error that names address and interface", () => {
  using scene = new Scene();
  expect(failure(() => setUp(scene, podStep(["10.1.0.2/24", "10.1.0.2/24"])))).toMatchObject({
    code: 122,
    message: "address cannot be set: 10.1.0.2/24 on eth0 in the pod",
    details: expect.stringContaining("Cause: EEXIST"),
  });
});

test("routes are set with what they have, and a configured one that the kernel refuses says which and why", () => {
  using scene = new Scene();
  const routes = [
    podRoute("0.0.0.0/0", { gateway: address("10.1.0.1") }),
    podRoute("10.9.0.0/16", {
      gateway: address("10.1.0.1"),
      mtu: 1300,
      advmss: 1200,
      priority: 7,
      table: 1000,
    }),
    podRoute("10.8.0.0/16", { gateway: address("192.168.9.9"), onLink: true }),
    podRoute("fd09::/32", { gateway: address("fd01::1") }),
  ];
  const step = podStep(["10.1.0.2/24", "fd01::2/64"], routes);
  setUp(scene, step);
  expect(scene.pod.run("ip route show table 1000")).toContain(
    "10.9.0.0/16 via 10.1.0.1 dev eth0 metric 7 mtu 1300 advmss 1200",
  );
  expect(attaching(scene, (on) => pod.verify(step, on))).toBeUndefined();

  using another = new Scene();
  const error = failure(() =>
    setUp(another, podStep(["10.1.0.2/24"], [podRoute("10.9.0.0/16", { gateway: address("192.168.9.9") })])),
  );
  expect(error).toMatchObject({ code: 123, message: "route cannot be set: 10.9.0.0/16 in the pod" });
  expect(error.details).toMatch(
    /Tried to add route 10\.9\.0\.0\/16 via 192\.168\.9\.9\. Cause: ENETUNREACH \(Nexthop has invalid gateway\)\. Hint: Check gateway/,
  );
});

test("the same route twice says what to do about it", () => {
  using scene = new Scene();
  const route = podRoute("10.9.0.0/16", { gateway: address("10.1.0.1") });
  const error = failure(() => setUp(scene, podStep(["10.1.0.2/24"], [route, route])));
  expect(error.details).toMatch(/Cause: EEXIST.*Hint: Take one of the two out of ipam\.routes/);
});

test("six thousand routes are set, each is looked for, and one that the kernel refuses is named", () => {
  using scene = new Scene();
  const routes = [10, 0xfd02].flatMap((first) =>
    Array.from({ length: 3_000 }, (_, at) =>
      first === 10
        ? podRoute(`10.${2 + (at >> 8)}.${at & 255}.0/24`, { gateway: address("10.1.0.1") })
        : podRoute(`fd02:${at.toString(16)}::/32`, { gateway: address("fd01::1"), table: 1000 }),
    ),
  );
  const step = podStep(["10.1.0.2/24", "fd01::2/64"], routes);
  setUp(scene, step);
  expect(attaching(scene, (on) => pod.verify(step, on))).toBeUndefined();
  scene.pod.run("ip -6 route del fd02:bb7::/32 table 1000");
  expect(sentenceOf(attaching(scene, (on) => pod.verify(step, on)))).toBe(
    "the pod has no route to fd02:bb7::/32 via fd01::1 by eth0",
  );
  scene.pod.run("ip link del eth0");
  const refused = failure(() =>
    setUp(
      scene,
      podStep(
        ["10.1.0.2/24"],
        [...routes.slice(0, 3_000), podRoute("10.99.0.0/24", { gateway: address("10.2.3.4") })],
      ),
    ),
  );
  expect(refused.message).toBe("route cannot be set: 10.99.0.0/24 in the pod");
}, 30_000);

test("three hundred routes are set, as three are", () => {
  using scene = new Scene();
  const routes = Array.from({ length: 300 }, (_, at) =>
    podRoute(`10.${2 + (at >> 8)}.${at & 255}.0/24`, { gateway: address("10.1.0.1") }),
  );
  setUp(scene, podStep(["10.1.0.2/24"], routes));
  expect(scene.pod.run("ip route show").trim().split("\n")).toHaveLength(301);
});

test.each([
  [
    "an address",
    "ip address del 10.1.0.2/24 dev eth0",
    "interface eth0 in the pod has no address 10.1.0.2/24",
  ],
  [
    "an IPv6 address",
    "ip address del fd01::2/64 dev eth0",
    "interface eth0 in the pod has no address fd01::2/64",
  ],
  ["a route", "ip route del 10.9.0.0/16", "the pod has no route to 10.9.0.0/16 via 10.1.0.1 by eth0"],
  [
    "the gateway of a route",
    "ip route replace 10.9.0.0/16 via 10.1.0.7",
    "the pod has no route to 10.9.0.0/16 via 10.1.0.1 by eth0",
  ],
  ["the interface", "ip link delete eth0", "interface eth0 in the pod does not exist"],
])("verify misses %s that somebody took away", (_, command, sentence) => {
  using scene = new Scene();
  const step = podStep(
    ["10.1.0.2/24", "fd01::2/64"],
    [podRoute("10.9.0.0/16", { gateway: address("10.1.0.1") })],
  );
  setUp(scene, step);
  expect(attaching(scene, (on) => pod.verify(step, on))).toBeUndefined();
  scene.pod.run(command);
  expect(sentenceOf(attaching(scene, (on) => pod.verify(step, on)))).toBe(sentence);
});

test.each([
  ["the pod's end is down", "pod", "ip link set eth0 down", "interface eth0 in the pod is down"],
  [
    "the pod's MAC is another",
    "pod",
    "ip link set eth0 address 0a:00:00:00:00:44",
    "interface eth0 in the pod has the MAC 0a:00:00:00:00:44 instead of 0a:00:00:00:00:03",
  ],
  [
    "the pod's MTU is larger",
    "pod",
    "ip link set eth0 mtu 1500",
    "interface eth0 in the pod has the MTU 1500, and the host's end takes 1400",
  ],
  [
    "the host's end is down",
    "host",
    "ip link set veth0 down",
    "the host's end veth0 of the veth pair is down",
  ],
  ["the host's end is no port", "host", "ip link set veth0 nomaster", "veth0 is not a port of bridge br0"],
  [
    "the host's MTU is another",
    "host",
    "ip link set veth0 mtu 1300",
    "veth0 has the MTU 1300 instead of 1400",
  ],
  [
    "hairpin mode is another",
    "host",
    "ip link set veth0 type bridge_slave hairpin on",
    "hairpin mode of veth0 is on",
  ],
  [
    "the port is isolated",
    "host",
    "ip link set veth0 type bridge_slave isolated on",
    "port isolation of veth0 is on",
  ],
] as const)("verify sees that %s", (_, place, command, sentence) => {
  using scene = new Scene();
  setUp(scene);
  expect(attaching(scene, (on) => veth.verify(VETH, on))).toBeUndefined();
  scene[place].run(command);
  expect(sentenceOf(attaching(scene, (on) => veth.verify(VETH, on)))).toBe(sentence);
});

test("an interface of the pod is not taken over: the error names it and it stays as it is", () => {
  using scene = new Scene();
  scene.pod.run("ip link add eth0 type bridge");
  const check = failure(() => attaching(scene, (on) => checkInterfaceIsFree("eth0", on.pod)));
  expect(check).toMatchObject({ code: 121, message: expect.stringContaining('"eth0"') });
  expect(failure(() => setUp(scene))).toMatchObject({ code: 121 });
  expect(ipLink(scene.pod, "eth0")?.linkinfo?.info_kind).toBe("bridge");
  expect(ipLink(scene.host, "veth0")).toBeUndefined();
});

test("a host's end that a dead attachment left is replaced", () => {
  using scene = new Scene();
  scene.host.run("ip link add veth0 type veth peer name left");
  setUp(scene);
  expect(ipLink(scene.host, "veth0")).toMatchObject({ master: "br0", address: "0a:00:00:00:00:02" });
  expect(ipLink(scene.host, "left")).toBeUndefined();
});
