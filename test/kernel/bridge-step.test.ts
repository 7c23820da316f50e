// The bridge and its gateway addresses, as an ADD makes sure of them.
import { expect, test } from "vitest";
import type { Netconf } from "../../src/cni/config.ts";
import type { Attaching } from "../../src/host/attaching.ts";
import { bridge } from "../../src/host/kind/bridge/bridge.ts";
import { gateway } from "../../src/host/kind/gateway/gateway.ts";
import type { BridgePlan } from "../../src/host/kind.ts";
import { observeBridge } from "../../src/look/bridge.ts";
import { getLink } from "../../src/net/link.ts";
import { createBridgeMessage } from "../../src/net/link-change.ts";
import type { SharedLink } from "../../src/plan/result.ts";
import type { BridgeStep, GatewayStep } from "../../src/plan/step.ts";
import { failure } from "../support/failure.ts";
import { prefix } from "../support/ip.ts";
import { ipLink, Netns } from "../support/netns.ts";
import { sentenceOf } from "../support/sentence.ts";
import { netconf } from "../unit/plan/input.ts";
import { attaching, BRIDGE_PLAN } from "./attach.ts";
import { addWire, BRIDGE, mustIndex, Scene } from "./scene.ts";

const STEP: BridgeStep = {
  kind: "bridge",
  name: BRIDGE.name,
  promiscuous: false,
  filtersVlans: false,
  ignoresLinkLocal: false,
};
const gatewayStep = (addresses: string[], force = false, others: string[] = []): GatewayStep => ({
  kind: "gateway",
  gatewayInterface: "br0",
  addresses: addresses.map(prefix),
  others: others.map(prefix),
  force,
});

/** An ADD on a host. Of its pod, which is the host itself, these steps know nothing. */
function onHost<T>(host: Netns, action: (on: Attaching) => T, plan: Partial<BridgePlan> = {}): T {
  return attaching({ host, pod: host }, action, plan);
}

/** Makes sure of the bridge, as it is planned. */
function make(host: Netns, plan: Partial<BridgePlan> = {}, step = STEP): SharedLink {
  return onHost(
    host,
    (on) => {
      bridge.apply(step, on);
      const { index, mac, mtu } = on.bridge;
      return { index, mac, mtu };
    },
    plan,
  );
}

const look = (host: Netns, config: Netconf) => onHost(host, ({ node }) => observeBridge(config, node.links));

/** Looks at the bridge and makes sure of it, as an ADD does. */
function ensure(host: Netns, more: Partial<Netconf> = {}): SharedLink {
  const config = netconf({ mtu: BRIDGE_PLAN.mtu, ...more });
  const { mac, mtu, found } = look(host, config);
  return make(host, { mac: mac ?? BRIDGE.mac, mtu, found }, { ...STEP, promiscuous: config.promiscMode });
}

const setGateway = (host: Netns, step: GatewayStep): void =>
  onHost(host, (on) => {
    on.bridge = getLink(on.node.links, { name: "br0" })!;
    gateway.apply(step, on);
  });
const globals = (host: Netns): string[] =>
  [...host.run("ip -o address show dev br0 scope global").matchAll(/inet6? (\S+)/g)].map(
    ([, found]) => found ?? "",
  );

test("a bridge that is not there is made: up, its MAC and MTU as planned, deaf to routers that pods play", () => {
  using host = Netns.open();
  expect(sentenceOf(onHost(host, (on) => bridge.verify(STEP, on)))).toBe("bridge br0 does not exist");
  expect(ensure(host)).toMatchObject({ index: mustIndex(host, "br0"), mac: BRIDGE.mac, mtu: 1400 });
  expect(ipLink(host, "br0")).toMatchObject({
    address: BRIDGE.mac,
    mtu: 1400,
    flags: expect.arrayContaining(["UP"]),
  });
  expect(host.run("cat /proc/sys/net/ipv6/conf/br0/accept_ra").trim()).toBe("0");
  expect(onHost(host, (on) => bridge.verify(STEP, on))).toBeUndefined();
});

test("a bridge that is in use stays as it is: MAC, MTU, what it hears", () => {
  using host = Netns.open();
  host.run("ip link add br0 address 0a:00:00:00:00:77 mtu 9000 type bridge");
  host.run("ip link set br0 up");
  expect(ensure(host)).toMatchObject({ index: mustIndex(host, "br0"), mac: "0a:00:00:00:00:77", mtu: 9000 });
  expect(host.run("cat /proc/sys/net/ipv6/conf/br0/accept_ra").trim()).toBe("1");
});

test("a bridge that was taken down under its ports is raised, and nothing else of it changes", () => {
  using host = Netns.open();
  host.run("ip link add br0 address 0a:00:00:00:00:77 mtu 9000 type bridge");
  host.run("ip link add port0 mtu 9000 master br0 type veth peer name other0");
  expect(sentenceOf(onHost(host, (on) => bridge.verify(STEP, on)))).toBe("bridge br0 is down");
  expect(ensure(host)).toMatchObject({ index: mustIndex(host, "br0"), mac: "0a:00:00:00:00:77", mtu: 9000 });
  expect(ipLink(host, "br0")?.flags).toContain("UP");
});

test("a bridge that a killed ADD left half made gets its MTU and is raised", () => {
  using host = Netns.open();
  host.links.execute([createBridgeMessage(BRIDGE)]);
  expect(ensure(host)).toMatchObject({ index: mustIndex(host, "br0"), mac: BRIDGE.mac, mtu: 1400 });
  host.run("ip link add port0 mtu 1300 master br0 type veth peer name other0");
  expect(ipLink(host, "br0")).toMatchObject({ mtu: 1400, flags: expect.arrayContaining(["UP"]) });
});

test("two that make the bridge at once get the same one", () => {
  using host = Netns.open();
  // Both looked before either of them had made it.
  const { found } = look(host, netconf());
  expect(found).toBeUndefined();
  const first = make(host, { mac: "0a:00:00:00:00:0a", found });
  expect(make(host, { mac: "0a:00:00:00:00:0b", found })).toEqual(first);
});

test("a bridge of ours says that MACs follow addresses, until a pod has another one; one that others made never does", () => {
  using host = Netns.open();
  const says = (): string | undefined => ipLink(host, "br0")?.ifalias;
  const follow = (macsFollow: boolean): boolean | undefined => {
    const { found } = look(host, netconf());
    make(host, { macsFollow: macsFollow && found?.macsFollow !== false, found });
    return found?.macsFollow;
  };
  expect(follow(true)).toBeUndefined();
  expect(says()).toBe("pontoon: 0a:58 and its IPv4 address are a pod's MAC");
  expect([follow(true), follow(false), follow(true)]).toEqual([true, true, false]);
  expect(says()).toBeUndefined();
  host.run("ip link set br0 alias mine");
  follow(false);
  expect(says()).toBe("mine");

  host.run("ip link delete br0");
  host.run("ip link add br0 up type bridge");
  follow(true);
  expect(says()).toBeUndefined();

  host.run("ip link delete br0");
  host.run("ip link add br0 type bridge");
  host.run("ip link set br0 alias mine");
  follow(true);
  expect(says()).toBe("mine");
});

test("of two that make the bridge at once, one with another MAC, that one counts", () => {
  using host = Netns.open();
  for (const macsFollow of [true, false]) make(host, { macsFollow, found: undefined });
  expect(ipLink(host, "br0")?.ifalias).toBeUndefined();
});

test("promiscuous mode is set where it is asked for, on an old bridge too", () => {
  using host = Netns.open();
  ensure(host);
  expect(ipLink(host, "br0")?.flags).not.toContain("PROMISC");
  ensure(host, { promiscMode: true });
  expect(ipLink(host, "br0")?.flags).toContain("PROMISC");
});

test("a link of another kind is not touched, and the error says what it is", () => {
  using host = Netns.open();
  host.run("ip link add br0 type veth peer name other");
  const before = ipLink(host, "br0");
  for (const action of [() => ensure(host), () => make(host)]) {
    expect(failure(action)).toMatchObject({
      code: 110,
      message: expect.stringContaining('"br0" already exists but is not a bridge'),
    });
  }
  expect(ipLink(host, "br0")).toEqual(before);
});

test.each([
  ["1500 without a way out", [], ["10.1.0.0/24"], 1500],
  ["the uplink's", ["ip route add default via 192.168.9.1"], ["10.1.0.0/24"], 1450],
  [
    "the route's own, where it has one",
    ["ip route add default via 192.168.9.1 mtu 1420"],
    ["10.1.0.0/24"],
    1420,
  ],
  [
    "that of the family of the pods",
    ["ip route add default via 192.168.9.1 mtu 1300", "ip -6 route add default via fd99::1"],
    ["fd01::/64"],
    1450,
  ],
  [
    "the smaller one of both families",
    ["ip route add default via 192.168.9.1 mtu 1300", "ip -6 route add default via fd99::1"],
    ["10.1.0.0/24", "fd01::/64"],
    1300,
  ],
  [
    "never below what IPv6 needs",
    ["ip route add default via 192.168.9.1 mtu 1000"],
    ["10.1.0.0/24", "fd01::/64"],
    1280,
  ],
  [
    "that of one of several uplinks",
    ["ip route add default nexthop via 192.168.9.1 nexthop via 192.168.9.3"],
    ["10.1.0.0/24"],
    1450,
  ],
])("a new bridge's MTU is %s", (_, commands, subnets, mtu) => {
  using host = Netns.open();
  addWire(host, "up0", "up1", 1450);
  host.run("ip address add 192.168.9.2/24 dev up0");
  host.run("ip address add fd99::2/64 dev up0 nodad");
  for (const command of commands) host.run(command);
  expect(ensure(host, netconf({ subnets, mtu: 0 })).mtu).toBe(mtu);
});

test("gateway addresses are put on the bridge once, and put back when they were lost with a bridge that went down", () => {
  using scene = new Scene();
  const { host } = scene;
  const step = gatewayStep(["10.1.0.1/24", "fd01::1/64"]);
  setGateway(host, step);
  setGateway(host, step);
  expect(globals(host)).toEqual(["10.1.0.1/24", "fd01::1/64"]);
  host.run("ip link set br0 down");
  host.run("ip link set br0 up");
  expect(sentenceOf(onHost(host, (on) => gateway.verify(step, on)))).toBe(
    "br0 has no gateway address fd01::1/64",
  );
  setGateway(host, step);
  expect(globals(host)).toEqual(["10.1.0.1/24", "fd01::1/64"]);
  expect(onHost(host, (on) => gateway.verify(step, on))).toBeUndefined();
});

test.each([
  ["any other IPv4 address", "192.168.7.1/24", "10.1.0.1/24"],
  ["the same IPv4 address with another length", "10.1.0.1/16", "10.1.0.1/24"],
  ["an IPv6 address of the same subnet", "fd01::9/64", "fd01::1/64"],
  ["an IPv6 address of a subnet around it", "fd01::9/48", "fd01::1/64"],
  ["an IPv6 address of a subnet inside of it", "fd01::1:0:0:9/80", "fd01::1/64"],
])("%s stands in the way: an error that names it, and with forceAddress it goes", (_, present, wanted) => {
  using scene = new Scene();
  const { host } = scene;
  host.run(`ip address add ${present} dev br0`);
  const error = failure(() => setGateway(host, gatewayStep([wanted])));
  expect(error).toMatchObject({
    code: 111,
    message: expect.stringContaining(`"br0" already has an IP address different from ${wanted}`),
  });
  expect(error.details).toContain(present);
  expect(globals(host)).toEqual([present]);
  setGateway(host, gatewayStep([wanted], true));
  expect(globals(host)).toEqual([wanted]);
});

test("an IPv6 address of another subnet, one of the other family and those of the same configuration stand in nobody's way", () => {
  using scene = new Scene();
  const { host } = scene;
  host.run("ip address add fd99::1/64 dev br0 nodad");
  setGateway(host, gatewayStep(["10.1.0.1/24", "10.2.0.1/24", "fd01::1/64"]));
  expect(globals(host).sort()).toEqual(["10.1.0.1/24", "10.2.0.1/24", "fd01::1/64", "fd99::1/64"]);
});

test.each([false, true])(
  "the gateway addresses of the network's other ranges stay beside a pod's own, with forceAddress %s",
  (force) => {
    using scene = new Scene();
    const { host } = scene;
    const held = ["10.1.0.1/24", "10.2.0.1/16", "fd01::1/64", "fd01:0:0:1::1/48"];
    for (const own of held) setGateway(host, gatewayStep([own], force, held));
    expect(globals(host).sort()).toEqual(held.toSorted());
  },
);

test.each([1500, 1400, 65535, 1280])(
  "a bridge made with the MTU %s keeps it whatever its ports have, and its settings of IPv6",
  (mtu) => {
    using host = Netns.open();
    ensure(host, { mtu });
    host.run("ip link add port0 mtu 68 master br0 type veth peer name other0");
    expect(ipLink(host, "br0")?.mtu).toBe(mtu);
    expect(host.run("cat /proc/sys/net/ipv6/conf/br0/accept_ra").trim()).toBe("0");
  },
);

test("where IPv6 is switched off by default the gateway is set all the same", () => {
  using host = Netns.open();
  host.run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
  ensure(host);
  setGateway(host, gatewayStep(["fd01::1/64"]));
  expect(globals(host)).toEqual(["fd01::1/64"]);
});

test("a bridge too small for IPv6 says so", () => {
  using host = Netns.open();
  ensure(host, { mtu: 1000 });
  expect(failure(() => setGateway(host, gatewayStep(["fd01::1/64"])))).toMatchObject({
    code: 111,
    details: expect.stringMatching(/EINVAL.*Hint: .*MTU.*1280/),
  });
});
