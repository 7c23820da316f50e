import { expect, test } from "vitest";
import type { Netconf } from "../../../src/cni/config.ts";
import type { Result } from "../../../src/cni/result.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { planAdd } from "../../../src/plan/add.ts";
import { type CheckInput, type CheckPlan, planCheck } from "../../../src/plan/check.ts";
import type { AttachmentRecord } from "../../../src/record/attachment.ts";
import { prefix } from "../../support/ip.ts";
import { addInput, KEY, netconf, route, stepOf, V4, V6 } from "./input.ts";

const RECORD: AttachmentRecord = {
  version: 1,
  key: KEY,
  host: { bootId: "b", hostCookie: "1" },
  namespace: { path: "/run/netns/c1", cookie: "2" },
  bridge: "br0",
  hostInterface: "veth1",
  hostMac: "0a:00:00:00:00:02",
  mac: "0a:00:00:00:00:03",
  mtu: 1500,
  addresses: ["10.1.0.2/24", "fd01::2/64"],
};

function checkInput(config: Netconf, prevResult: Result, more: Partial<CheckInput> = {}): CheckInput {
  return {
    netconf: config,
    prevResult,
    key: KEY,
    owner: "1".repeat(32),
    namespacePath: "/run/netns/c1",
    hostInterface: "veth1",
    ifb: "pifb1",
    record: RECORD,
    ...more,
  };
}

function plan(input: CheckInput): CheckPlan {
  const found = planCheck(input);
  if (found === undefined) throw new Error("There is nothing to check.");
  return found;
}

test.each([
  [
    "dual stack with all there is",
    netconf({ isDefaultGateway: true, ipMasq: true, subnets: ["10.1.0.0/24", "fd01::/64"] }),
    [V4, V6],
  ],
  ["with a MAC spoof check", netconf({ macspoofchk: true, ipMasq: true }), [V4]],
  ["without gateway", netconf({ isGateway: false }), [V4]],
  ["in a VLAN", netconf({ vlan: 100, hasVlans: true, gatewayInterface: "br0.100", ipMasq: true }), [V4]],
  [
    "down in the pod",
    netconf({
      ipam: undefined,
      disableContainerInterface: true,
      vlanTrunk: [{ first: 1, last: 2 }],
      hasVlans: true,
    }),
    [],
  ],
  ["layer 2 only", netconf({ ipam: undefined, ipMasq: true }), []],
])("CHECK looks at the kinds of things that ADD made: %s", (_, config, addresses) => {
  const { steps, result } = planAdd(addInput(config, addresses));
  expect(plan(checkInput(config, result)).steps.map(({ kind }) => kind)).toEqual(
    steps.map(({ kind }) => kind),
  );
});

test("the addresses, gateways and routes of the result are what must hold", () => {
  const config = netconf({ isDefaultGateway: true, ipMasq: true, subnets: ["10.1.0.0/24", "fd01::/64"] });
  const { steps } = plan(checkInput(config, planAdd(addInput(config, [V4, V6])).result));
  const pod = stepOf(steps, "pod");
  expect(pod.addresses.map(formatPrefix)).toEqual(["10.1.0.2/24", "fd01::2/64"]);
  expect(
    pod.routes.map(({ dst, gateway }) => `${formatPrefix(dst)} ${gateway && formatAddress(gateway)}`),
  ).toEqual(["0.0.0.0/0 10.1.0.1", "::/0 fd01::1"]);
  expect(stepOf(steps, "gateway").addresses.map(formatPrefix)).toEqual(["10.1.0.1/24", "fd01::1/64"]);
  expect(stepOf(steps, "masquerade").addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
});

test("a route that names no gateway is compared by its destination alone: nobody said which one it has", () => {
  const config = netconf({ routes: [route("10.9.0.0/16"), route("10.8.0.0/16 10.1.0.7")] });
  const routes = stepOf(plan(checkInput(config, planAdd(addInput(config, [V4])).result)).steps, "pod").routes;
  expect(routes.map(({ gateway }) => gateway && formatAddress(gateway))).toEqual([undefined, "10.1.0.7"]);
});

test("what a later plugin added to the result is its own business: other interfaces, their addresses, other routes", () => {
  const config = netconf({ ipMasq: true, subnets: ["10.1.0.0/24"], routes: [route("0.0.0.0/0")] });
  const { result } = planAdd(addInput(config, [V4]));
  const chained: Result = {
    ...result,
    interfaces: [...result.interfaces, { name: "net1", sandbox: "/run/netns/c1" }],
    ips: [...result.ips, { interface: 3, address: prefix("10.9.0.2/24") }],
    routes: [...result.routes, route("172.16.0.0/12 10.9.0.1")],
  };
  const { steps, ips } = plan(checkInput(config, chained));
  expect(ips.map(({ address }) => formatPrefix(address))).toEqual(["10.1.0.2/24"]);
  expect(stepOf(steps, "pod").routes.map(({ dst }) => formatPrefix(dst))).toEqual(["0.0.0.0/0"]);
});

test("routes that a foreign IPAM plugin gave are known by the record", () => {
  const config = netconf({ ipam: undefined, foreignIpam: "static", isDefaultGateway: true });
  const { result } = planAdd(
    addInput(config, ["10.1.0.2/24 10.1.0.1", "fd01::2/64"], {
      routes: [route("10.9.0.0/16"), route("10.8.0.0/16 10.1.0.9")],
    }),
  );
  const chained: Result = { ...result, routes: [...result.routes, route("172.16.0.0/12 10.9.0.1")] };
  const routesOf = (record: AttachmentRecord | undefined) =>
    stepOf(plan(checkInput(config, chained, { record })).steps, "pod").routes.map(({ dst }) =>
      formatPrefix(dst),
    );
  expect(routesOf({ ...RECORD, foreignRoutes: ["10.9.0.0/16", "10.8.0.0/16"] })).toEqual([
    "10.9.0.0/16",
    "10.8.0.0/16",
    "0.0.0.0/0",
  ]);
  expect(routesOf(undefined)).toEqual(["0.0.0.0/0"]);
});

test("a MAC that a later plugin changed on purpose is the one to hold", () => {
  const { result } = planAdd(addInput(netconf(), [V4]));
  const interfaces = result.interfaces.map((each) =>
    each.name === "eth0" ? { ...each, mac: "0a:00:00:00:00:77" } : each,
  );
  const { steps } = plan(checkInput(netconf(), { ...result, interfaces }));
  expect(stepOf(steps, "veth").pod.mac).toBe("0a:00:00:00:00:77");
});

test("an interface of the host with the pod's interface name is not the pod's", () => {
  const { result } = planAdd(addInput(netconf(), [V4]));
  const [bridge, host, pod] = result.interfaces;
  const interfaces = [{ ...bridge!, name: "eth0" }, host!, pod!];
  expect(plan(checkInput(netconf(), { ...result, interfaces })).ips).toHaveLength(1);
  expect(
    planCheck(checkInput(netconf(), { ...result, interfaces: [interfaces[0]!, host!] })),
  ).toBeUndefined();
  expect(planCheck(checkInput(netconf(), { interfaces: [], ips: [], routes: [], dns: {} }))).toBeUndefined();
});

test("an attachment keeps the chain that it was made with, whatever ranges the configuration has now", () => {
  const before = netconf({ ipMasq: true, subnets: ["10.1.0.0/24"] });
  const { result } = planAdd(addInput(before, [V4]));
  const now = netconf({ ipMasq: true, subnets: ["10.1.0.0/24", "10.2.0.0/24"] });
  const recorded = plan(
    checkInput(now, result, { record: { ...RECORD, masqueradeSubnets: ["10.1.0.0/24"] } }),
  );
  expect(stepOf(recorded.steps, "masquerade").subnets.map(formatPrefix)).toEqual(["10.1.0.0/24"]);
  const unrecorded = plan(checkInput(now, result, { record: undefined }));
  expect(stepOf(unrecorded.steps, "masquerade").subnets.map(formatPrefix)).toEqual([
    "10.1.0.0/24",
    "10.2.0.0/24",
  ]);
});

test("an attachment keeps the backend that it was made with, whatever the configuration says now; without a record that counts", () => {
  const now = netconf({ ipMasq: true, ipMasqBackend: "iptables" });
  const { result, steps } = planAdd(addInput(now, [V4]));
  expect(stepOf(steps, "masquerade").backend).toBe("iptables");
  const backendBy = (record: typeof RECORD | undefined) =>
    stepOf(plan(checkInput(now, result, { record })).steps, "masquerade").backend;
  expect([
    backendBy(RECORD),
    backendBy({ ...RECORD, masqueradeBackend: "iptables" }),
    backendBy(undefined),
  ]).toEqual(["nftables", "iptables", "iptables"]);
});

test("an attachment in a VLAN is masqueraded where its packets come in, as its record says", () => {
  const config = netconf({ vlan: 100, hasVlans: true, gatewayInterface: "br0.100", ipMasq: true });
  const { result } = planAdd(addInput(config, [V4]));
  expect(
    stepOf(
      plan(checkInput(config, result, { record: { ...RECORD, gatewayInterface: "br0.7" } })).steps,
      "masquerade",
    ).bridge,
  ).toBe("br0.7");
  expect(stepOf(plan(checkInput(config, result, { record: undefined })).steps, "masquerade").bridge).toBe(
    "br0.100",
  );
});

test("the MTU is the record's, and without a record the result's", () => {
  const { result } = planAdd(addInput(netconf(), [V4], { mtu: 1400 }));
  expect(stepOf(plan(checkInput(netconf(), result)).steps, "veth").mtu).toBe(1500);
  expect(stepOf(plan(checkInput(netconf(), result, { record: undefined })).steps, "veth").mtu).toBe(1400);
});

test("an attachment without ipMasq is not looked for in the packet rules", () => {
  const { result } = planAdd(addInput(netconf(), [V4]));
  expect(plan(checkInput(netconf(), result)).steps.map(({ kind }) => kind)).not.toContain("masquerade");
});
