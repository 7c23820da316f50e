// Bridges as we make them, judged by `ip`.
import { expect, test } from "vitest";
import { getLink, listPorts } from "../../src/net/link.ts";
import { changeLinkMessage, createBridgeMessage } from "../../src/net/link-change.ts";
import { ipLink, Netns } from "../support/netns.ts";
import { BRIDGE, mustIndex, refusal, Scene } from "./scene.ts";

const LOWER_MAC = "02:00:00:00:00:01";

function seen(host: Netns): { address: string; mtu: number } {
  const { address, mtu } = ipLink(host, "br0")!;
  return { address, mtu };
}

test("a bridge keeps the MAC and the MTU that it was given, whatever ports come and go", () => {
  using scene = new Scene();
  const { host } = scene;
  const pinned = { address: BRIDGE.mac, mtu: 1400 };
  expect(ipLink(host, "br0")).toMatchObject({
    linkinfo: { info_kind: "bridge" },
    flags: expect.arrayContaining(["UP"]),
  });
  expect(seen(host)).toEqual(pinned);
  // A bridge that was made without care would take over the lower MAC and the smaller MTU of its port.
  host.run(`ip link add port0 address ${LOWER_MAC} mtu 1300 master br0 up type veth peer name other0`);
  expect(seen(host)).toEqual(pinned);
  host.run("ip link delete port0");
  expect(seen(host)).toEqual(pinned);
});

test("the witness can tell: a bridge of `ip` follows its port, so the test above could fail", () => {
  using host = Netns.open();
  host.run("ip link add br0 type bridge");
  host.run(`ip link add port0 address ${LOWER_MAC} mtu 1300 master br0 up type veth peer name other0`);
  expect(seen(host)).toEqual({ address: LOWER_MAC, mtu: 1300 });
});

test("a second bridge of the same name is refused, and so is one in the place of another link", () => {
  using scene = new Scene();
  const { host } = scene;
  expect(refusal(() => host.links.execute([createBridgeMessage(BRIDGE)]))).toMatchObject({
    errno: 17,
    operation: "create bridge br0",
  });
  host.run("ip link add other0 type veth peer name other1");
  expect(refusal(() => host.links.execute([createBridgeMessage({ ...BRIDGE, name: "other0" })])).errno).toBe(
    17,
  );
});

test("what `ip` makes of a bridge, we read: kind, flags, MTU, MAC, promiscuous, alias", () => {
  using host = Netns.open();
  host.run("ip link add br0 address 0a:00:00:00:00:09 type bridge");
  expect(getLink(host.links, { name: "br0" })).toMatchObject({
    kind: "bridge",
    up: false,
    promiscuous: false,
    mtu: 1500,
    mac: "0a:00:00:00:00:09",
    master: 0,
    alias: "",
    port: undefined,
  });
  host.run("ip link set br0 up promisc on mtu 9000 alias somebody's");
  expect(getLink(host.links, { name: "br0" })).toMatchObject({
    up: true,
    promiscuous: true,
    mtu: 9000,
    alias: "somebody's",
  });
});

test("promiscuous is a flag of its own: setting it leaves the bridge up, raising it leaves it promiscuous", () => {
  using scene = new Scene();
  const { host } = scene;
  host.links.execute([changeLinkMessage({ name: "br0" }, { promiscuous: true }, "set promiscuous")]);
  expect(ipLink(host, "br0")!.flags).toEqual(expect.arrayContaining(["UP", "PROMISC"]));
  host.links.execute([changeLinkMessage({ name: "br0" }, { up: false }, "take down")]);
  expect(ipLink(host, "br0")!.flags).toContain("PROMISC");
  expect(ipLink(host, "br0")!.flags).not.toContain("UP");
  host.links.execute([changeLinkMessage({ name: "br0" }, { promiscuous: false }, "clear promiscuous")]);
  expect(ipLink(host, "br0")!.flags).not.toContain("PROMISC");
});

test("the ports of a bridge are listed, and no other link", () => {
  using scene = new Scene();
  const { host, bridgeIndex } = scene;
  expect(listPorts(host.links, bridgeIndex)).toEqual([]);
  host.run("ip link add br1 type bridge");
  for (const [name, bridge] of [
    ["a0", "br0"],
    ["a1", "br0"],
    ["b0", "br1"],
  ])
    host.run(`ip link add ${name} master ${bridge} type veth peer name peer-${name}`);
  host.run("ip link set a1 alias mine");
  expect(listPorts(host.links, bridgeIndex).map(({ name, alias, kind }) => ({ name, alias, kind }))).toEqual([
    { name: "a0", alias: "", kind: "veth" },
    { name: "a1", alias: "mine", kind: "veth" },
  ]);
  expect(listPorts(host.links, mustIndex(host, "br1")).map(({ name }) => name)).toEqual(["b0"]);
});

test("a hundred ports, more than one receive holds, are listed whole", () => {
  using scene = new Scene();
  const { host, bridgeIndex } = scene;
  const lines = Array.from(
    { length: 100 },
    (_, at) => `link add p${at} master br0 type veth peer name q${at}`,
  );
  host.run("ip -batch -", lines.join("\n"));
  expect(new Set(listPorts(host.links, bridgeIndex).map(({ name }) => name)).size).toBe(100);
});
