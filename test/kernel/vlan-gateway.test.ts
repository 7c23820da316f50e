// The gateway's interface of a VLAN. Everything but the VLANs themselves is done by the kernel here; those
// requests are taken out of what is sent, so that this also runs where the kernel cannot filter by VLANs
// (test/vlan has those that can).
import { expect, test } from "vitest";
import { CniError } from "../../src/cni/error.ts";
import { Attaching } from "../../src/host/attaching.ts";
import { vlanGateway } from "../../src/host/kind/vlan/vlan-gateway.ts";
import { getLink } from "../../src/net/link.ts";
import type { Message, NetlinkSocket } from "../../src/netlink/socket.ts";
import { AF_BRIDGE } from "../../src/netlink/uapi/rtnetlink.ts";
import { Writer } from "../../src/netlink/writer.ts";
import type { SharedLink } from "../../src/plan/result.ts";
import type { VlanGatewayStep } from "../../src/plan/step.ts";
import { failure } from "../support/failure.ts";
import { ipLink } from "../support/netns.ts";
import { sentenceOf } from "../support/sentence.ts";
import { ATTACHMENT, attaching, BRIDGE_PLAN } from "./attach.ts";
import { BRIDGE, Scene } from "./scene.ts";

const STEP: VlanGatewayStep = {
  kind: "vlanGateway",
  bridge: BRIDGE.name,
  gatewayInterface: "br0.100",
  vlan: 100,
  keepDefaultVlan: false,
};
const VLANS = [
  "take VLANs 1-99 off the port",
  "take VLANs 101-4094 off the port",
  "put the port into VLAN 100",
];

/** Runs `action` on the host; gives what it says about VLANs too. */
function play<T>(scene: Scene, action: (on: Attaching) => T): { value: T; vlans: string[] } {
  const vlans: string[] = [];
  return attaching(scene, ({ node, pod }) => {
    const links = node.links;
    const isVlan = ({ what, body }: Message): boolean => {
      const w = new Writer();
      body(w);
      if (w.written[0] !== AF_BRIDGE) return false;
      vlans.push(what);
      return true;
    };
    const execute: NetlinkSocket["execute"] = (messages) =>
      links.execute(messages.filter((each) => !isVlan(each)));
    const dump: NetlinkSocket["dump"] = (message) => (isVlan(message) ? [] : links.dump(message));
    const filtered = new Proxy(links, {
      get: (target, name) => {
        if (name === "execute") return execute;
        if (name === "dump") return dump;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const filteredNode = new Proxy(node, {
      get: (target, name) => (name === "links" ? filtered : Reflect.get(target, name, target)),
    });
    const on = new Attaching({ node: filteredNode, pod, mustGoOn: () => {} }, ATTACHMENT, BRIDGE_PLAN);
    return { value: action(on), vlans };
  });
}

/** Makes sure of the gateway on the bridge as it is now. */
function ensureOn(on: Attaching, step = STEP): SharedLink {
  const bridge = getLink(on.node.links, { name: step.bridge });
  if (bridge === undefined) throw new Error("There is no bridge.");
  on.bridge = bridge;
  vlanGateway.apply(step, on);
  return on.vlanGateway!;
}

const ensure = (scene: Scene, step = STEP) => play(scene, (on) => ensureOn(on, step));

/** The other end of the pair: `ip` says its name, since it is in the same namespace. */
function portOf(scene: Scene): string {
  return scene.host.json<{ link: string }[]>("ip -j link show br0.100")[0]!.link;
}

const links = (scene: Scene): string[] =>
  scene.host
    .json<{ ifname: string; address: string; master?: string }[]>("ip -j link show")
    .map(({ ifname, address, master }) => `${ifname} ${address} ${master}`);

test("a veth pair: one end a port of the bridge and put into the VLAN, the other one has the name, both are up and forward", () => {
  using scene = new Scene();
  const { value, vlans } = ensure(scene);
  const link = ipLink(scene.host, "br0.100");
  expect(link).toMatchObject({
    flags: expect.arrayContaining(["UP", "LOWER_UP"]),
    address: value.mac,
    ifindex: value.index,
    mtu: 1400,
    inet6_addr_gen_mode: "eui64",
  });
  expect(ipLink(scene.host, portOf(scene))).toMatchObject({
    master: "br0",
    mtu: 1400,
    inet6_addr_gen_mode: "none",
    linkinfo: { info_slave_data: { state: "forwarding" } },
  });
  expect(scene.host.run("ip -6 address show dev br0.100 tentative")).toBe("");
  expect(vlans).toEqual(VLANS);
  expect(value.mtu).toBe(1400);
});

test("what is there is used, and put right: its VLAN, and both ends up", () => {
  using scene = new Scene();
  const first = ensure(scene).value;
  scene.host.run("ip link set br0.100 down");
  scene.host.run(`ip link set ${portOf(scene)} down`);
  const again = ensure(scene);
  expect([again.value.index, again.value.mac, again.vlans]).toEqual([first.index, first.mac, VLANS]);
  expect(ipLink(scene.host, "br0.100")?.flags).toEqual(expect.arrayContaining(["UP", "LOWER_UP"]));
});

test("a pair that another plugin made under that name is used", () => {
  using scene = new Scene();
  scene.host.run("ip link add vethbeef type veth peer name br0.100");
  scene.host.run("ip link set vethbeef master br0");
  expect(ensure(scene).value.index).toBe(ipLink(scene.host, "br0.100")?.ifindex);
  expect(portOf(scene)).toBe("vethbeef");
});

test("a pair whose bridge was deleted is replaced", () => {
  using scene = new Scene();
  const before = ensure(scene).value.index;
  scene.host.run("ip link delete br0");
  scene.host.run("ip link add br0 type bridge");
  scene.host.run("ip link set br0 up");
  expect(ensure(scene).value.index).not.toBe(before);
  expect(ipLink(scene.host, portOf(scene))).toMatchObject({ master: "br0" });
});

test("preserveDefaultVlan takes no VLAN off the port", () => {
  using scene = new Scene();
  expect(ensure(scene, { ...STEP, keepDefaultVlan: true }).vlans).toEqual(["put the port into VLAN 100"]);
});

test.each([
  ["another kind of link", ["ip link add br0.100 type bridge"], "it is a bridge interface"],
  [
    "a pair on no bridge, of somebody else",
    ["ip link add br0.100 type veth peer name port"],
    "it is not connected to br0",
  ],
  [
    "a pair on another bridge",
    [
      "ip link add other type bridge",
      "ip link add br0.100 type veth peer name port",
      "ip link set port master other",
    ],
    "it is not connected to br0",
  ],
])("%s under that name is refused and stays", (_, commands, cause) => {
  using scene = new Scene();
  for (const command of commands) scene.host.run(command);
  const before = links(scene);
  const error = failure(() => ensure(scene));
  expect(error).toMatchObject({
    code: 110,
    message: 'bridge cannot be used: "br0.100" already exists but is not the gateway of VLAN 100 on br0',
  });
  expect(error.details).toContain(cause);
  expect(links(scene)).toEqual(before);
});

test("a port that is left without its gateway is named", () => {
  using scene = new Scene();
  ensure(scene);
  const port = portOf(scene);
  scene.host.run("ip link delete br0.100");
  scene.host.run(`ip link add ${port} type bridge`);
  expect(failure(() => ensure(scene)).details).toContain(`Remove it with "ip link delete ${port}"`);
});

test("a pair whose VLAN the kernel refuses is taken away again, and the error names the option of the kernel", () => {
  using scene = new Scene();
  // One that can filter refuses a VLAN that there is none of.
  const vlan = scene.host.run("ip -d link show br0").includes("vlan_protocol") ? 4095 : 100;
  const before = links(scene);
  const error = failure(() => attaching(scene, (on) => ensureOn(on, { ...STEP, vlan })));
  expect(error).toBeInstanceOf(CniError);
  expect(error.details).toMatch(vlan === 100 ? /EOPNOTSUPP.*CONFIG_BRIDGE_VLAN_FILTERING/ : /EINVAL/);
  expect(links(scene)).toEqual(before);
});

test("a pair that was there before stays when an ADD fails", () => {
  using scene = new Scene();
  ensure(scene);
  const before = links(scene);
  const vlan = scene.host.run("ip -d link show br0").includes("vlan_protocol") ? 4095 : 100;
  failure(() => attaching(scene, (on) => ensureOn(on, { ...STEP, vlan })));
  expect(links(scene)).toEqual(before);
});

test.each([
  ["it is gone", "ip link delete br0.100", "br0.100, the gateway of VLAN 100, does not exist"],
  ["it is down", "ip link set br0.100 down", "br0.100, the gateway of VLAN 100, is down"],
  ["its port is down", "ip link set PORT down", "PORT, the port of br0.100, is down"],
  [
    "its port has left the bridge",
    "ip link set PORT nomaster",
    "br0.100, the gateway of VLAN 100, is not connected to bridge br0",
  ],
])("verify says that %s", (_, command, sentence) => {
  using scene = new Scene();
  ensure(scene);
  const port = portOf(scene);
  scene.host.run(command.replace("PORT", port));
  expect(sentenceOf(play(scene, (on) => vlanGateway.verify(STEP, on)).value)).toBe(
    sentence.replace("PORT", port),
  );
});
