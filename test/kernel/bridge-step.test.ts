// The bridge and its gateway addresses, as an ADD makes sure of them.
import { expect, test } from "vitest";
import { CniError } from "../../src/cni/error.ts";
import { Machine } from "../../src/host/machine.ts";
import { getLink } from "../../src/net/link.ts";
import { ensureBridge, verifyBridge } from "../../src/host/steps/bridge.ts";
import { ensureGateway, verifyGateway } from "../../src/host/steps/gateway.ts";
import type { BridgeStep, GatewayStep } from "../../src/plan/step.ts";
import { ipLink, Netns } from "../support/netns.ts";
import { mustIndex, prefix, Scene } from "./scene.ts";

const STEP: BridgeStep = { kind: "bridge", name: "br0", mac: "0a:00:00:00:00:01", mtu: 1400, promiscuous: false, found: undefined };
const gatewayStep = (addresses: string[], force = false): GatewayStep => ({ kind: "gateway", bridge: "br0", addresses: addresses.map(prefix), force });

function onHost<T>(host: Netns, action: (machine: Machine) => T): T {
  return host.inside(() => {
    using machine = Machine.open();
    return action(machine);
  });
}

function failure(action: () => unknown): CniError {
  try {
    action();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("This should have failed.");
}

const setGateway = (host: Netns, step: GatewayStep): void => onHost(host, (machine) => ensureGateway(step, machine, mustIndex(host, "br0")));
const globals = (host: Netns): string[] => [...host.run("ip -o address show dev br0 scope global").matchAll(/inet6? (\S+)/g)].map(([, found]) => found ?? "");

test("a bridge that is not there is made: up, its MAC and MTU as planned, deaf to routers that pods play", () => {
  using host = Netns.open();
  expect(onHost(host, (machine) => verifyBridge(STEP, machine))).toBe("bridge br0 does not exist");
  const link = onHost(host, (machine) => ensureBridge(STEP, machine));
  expect(link).toMatchObject({ name: "br0", kind: "bridge", up: true, mac: STEP.mac, mtu: 1400 });
  expect(ipLink(host, "br0")).toMatchObject({ address: STEP.mac, mtu: 1400, flags: expect.arrayContaining(["UP"]) });
  expect(host.run("cat /proc/sys/net/ipv6/conf/br0/accept_ra").trim()).toBe("0");
  expect(onHost(host, (machine) => verifyBridge(STEP, machine))).toBeUndefined();
});

test("a bridge that is there is used as it is, and raised when it is down", () => {
  using host = Netns.open();
  host.run("ip link add br0 address 0a:00:00:00:00:77 mtu 9000 type bridge");
  const found = getLink(host.links, { name: "br0" });
  expect(onHost(host, (machine) => ensureBridge({ ...STEP, found }, machine))).toMatchObject({ mac: "0a:00:00:00:00:77", mtu: 9000 });
  expect(ipLink(host, "br0")?.flags).toContain("UP");
  expect(host.run("cat /proc/sys/net/ipv6/conf/br0/accept_ra").trim()).toBe("1");
  host.run("ip link set br0 down");
  expect(onHost(host, (machine) => verifyBridge(STEP, machine))).toBe("bridge br0 is down");
});

test("promiscuous mode is set where it is asked for, on an old bridge too", () => {
  using host = Netns.open();
  host.run("ip link add br0 type bridge");
  onHost(host, (machine) => ensureBridge({ ...STEP, promiscuous: true }, machine));
  expect(ipLink(host, "br0")?.flags).toContain("PROMISC");
});

test("a link of another kind is not touched, and the error says what it is", () => {
  using host = Netns.open();
  host.run("ip link add br0 type veth peer name other");
  const before = ipLink(host, "br0");
  expect(failure(() => onHost(host, (machine) => ensureBridge(STEP, machine)))).toMatchObject({ code: 110, message: expect.stringContaining('"br0" already exists but is not a bridge') });
  expect(ipLink(host, "br0")).toEqual(before);
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
  expect(onHost(host, (machine) => verifyGateway(step, machine))).toBe("bridge br0 has no gateway address fd01::1/64");
  setGateway(host, step);
  expect(globals(host)).toEqual(["10.1.0.1/24", "fd01::1/64"]);
  expect(onHost(host, (machine) => verifyGateway(step, machine))).toBeUndefined();
});

test.each([
  ["any other IPv4 address", "192.168.7.1/24", "10.1.0.1/24"],
  ["the same IPv4 address with another length", "10.1.0.1/16", "10.1.0.1/24"],
  ["an IPv6 address of the same subnet", "fd01::9/64", "fd01::1/64"],
  ["an IPv6 address of a subnet around it", "fd01::9/48", "fd01::1/64"],
])("%s stands in the way: an error that names it, and with forceAddress it goes", (_, present, wanted) => {
  using scene = new Scene();
  const { host } = scene;
  host.run(`ip address add ${present} dev br0`);
  const error = failure(() => setGateway(host, gatewayStep([wanted])));
  expect(error).toMatchObject({ code: 111, message: expect.stringContaining(`"br0" already has an IP address different from ${wanted}`) });
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

test("where IPv6 is switched off by default the gateway is set all the same", () => {
  using host = Netns.open();
  host.run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
  onHost(host, (machine) => ensureBridge(STEP, machine));
  setGateway(host, gatewayStep(["fd01::1/64"]));
  expect(globals(host)).toEqual(["fd01::1/64"]);
});
