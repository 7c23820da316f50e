// What CHECK holds an attachment to: its record, or configuration and result where that tells only a part or
// is not there, with the result of the chain laid over.
import { expect, test } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { hostEndOf } from "../../../src/attachment/link.ts";
import { hostInterfaceName } from "../../../src/attachment/name.ts";
import type { Result } from "../../../src/cni/result.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { completeDescription, describeByResult } from "../../../src/plan/check.ts";
import { findPodEnd, resultOf, withResult } from "../../../src/plan/result.ts";
import { prefix } from "../../support/ip.ts";
import { onBridge } from "../../support/on-bridge.ts";
import { readFields, version1Of } from "../attachment/version-1.ts";
import { attachmentOf, KEY, kindsOf, netconf, route, theStep, V4, V6, type Wishes } from "./input.ts";

const resultFor = (attachment: Attachment): Result =>
  resultOf(attachment, {
    bridge: { index: 7, mac: "0a:00:00:00:00:01", mtu: 1500 },
    vlanGateway: undefined,
    dns: {},
  });

/** The attachment that CHECK verifies, by configuration, result of the chain, and record if there is one. */
function expected(wishes: Wishes, prevResult: Result, record?: Attachment): Attachment {
  const end = findPodEnd(prevResult, KEY.interfaceName);
  if (end === undefined) throw new Error("There is nothing to check.");
  const described = describeByResult({
    netconf: { ...netconf(wishes), prevResult },
    key: KEY,
    path: "/run/netns/c1",
    pod: undefined,
    end,
    leaseDirectory: "/d/net",
    hostInterface: hostInterfaceName(KEY),
    record,
    isFiltered: { 4: false, 6: false },
  });
  const isWhole = record === undefined || record.version !== 1;
  return withResult(
    isWhole ? (record ?? described) : completeDescription(record, described),
    prevResult,
    end,
  );
}

/** What CHECK verifies of an attachment, by each record that there may be of it, and without one. */
function expectedByEach(wishes: Wishes, made: Attachment, result = resultFor(made)): Attachment[] {
  return [made, readFields(version1Of(made)), undefined].map((record) => expected(wishes, result, record));
}

test.each<[string, Wishes, string[]]>([
  [
    "dual stack with all there is",
    { isDefaultGateway: true, ipMasq: true, subnets: ["10.1.0.0/24", "fd01::/64"] },
    [V4, V6],
  ],
  ["with a MAC spoof check", { macspoofchk: true, ipMasq: true }, [V4]],
  ["without gateway", { isGateway: false }, [V4]],
  ["in a VLAN", { vlan: 100, ipMasq: true }, [V4]],
  [
    "down in the pod",
    { ipam: undefined, disableContainerInterface: true, vlanTrunk: [{ first: 1, last: 2 }] },
    [],
  ],
  ["layer 2 only", { ipam: undefined, ipMasq: true }, []],
  [
    "with limits, a policy, settings in the pod and routes by source",
    {
      bandwidth: { egress: { rate: 8000, burst: 0 }, egressInPod: false },
      ingressPolicy: "open",
      tuning: { sysctls: [], txQueueLength: 7, promiscuous: false, allMulticast: false },
      sourceBasedRouting: true,
    },
    [V4],
  ],
])("CHECK looks at the kinds of things that ADD made: %s", (_, wishes, addresses) => {
  const made = attachmentOf(wishes, addresses);
  for (const attachment of expectedByEach(wishes, made))
    expect(kindsOf(attachment)).toEqual(kindsKnownTo(attachment, made));
});

/** The kinds that ADD makes today. Releases that wrote records of version 1 made no entry for a MAC. */
function kindsKnownTo({ version }: Attachment, made: Attachment): string[] {
  return kindsOf(made).filter((kind) => version !== 1 || kind !== "portMac");
}

test("the addresses, gateways and routes of the result are what must hold", () => {
  const wishes = { isDefaultGateway: true, ipMasq: true, subnets: ["10.1.0.0/24", "fd01::/64"] };
  for (const attachment of expectedByEach(wishes, attachmentOf(wishes, [V4, V6]))) {
    const pod = theStep("pod", attachment);
    expect(pod.addresses.map(formatPrefix)).toEqual(["10.1.0.2/24", "fd01::2/64"]);
    expect(
      pod.routes.map(({ dst, gateway }) => `${formatPrefix(dst)} ${gateway && formatAddress(gateway)}`),
    ).toEqual(["0.0.0.0/0 10.1.0.1", "::/0 fd01::1"]);
    const gateways = theStep("gateway", attachment).addresses.map(formatPrefix);
    expect(gateways).toEqual(["10.1.0.1/24", "fd01::1/64"]);
    expect(theStep("masquerade", attachment).addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
  }
});

test("a route that names no gateway is compared by its destination alone: nobody said which one it has", () => {
  for (const sourceBasedRouting of [false, true]) {
    const wishes = { routes: [route("10.9.0.0/16"), route("10.8.0.0/16 10.1.0.7")], sourceBasedRouting };
    for (const attachment of expectedByEach(wishes, attachmentOf(wishes))) {
      const { routes } = theStep(sourceBasedRouting ? "sourceRouting" : "pod", attachment);
      const given = routes.slice(sourceBasedRouting ? 1 : 0);
      expect(
        given.map(({ dst, isGatewayAssumed }) => [formatPrefix(dst), isGatewayAssumed === true]),
      ).toEqual([
        ["10.9.0.0/16", true],
        ["10.8.0.0/16", false],
        ...(sourceBasedRouting ? [["0.0.0.0/0", false]] : []),
      ]);
    }
  }
});

test("what a later plugin added to the result is its own business: other interfaces, their addresses, other routes", () => {
  const wishes = { ipMasq: true, subnets: ["10.1.0.0/24"], routes: [route("0.0.0.0/0")] };
  const made = attachmentOf(wishes);
  const result = resultFor(made);
  const chained: Result = {
    ...result,
    interfaces: [...result.interfaces, { name: "net1", sandbox: "/run/netns/c1" }],
    ips: [...result.ips, { interface: 3, address: prefix("10.9.0.2/24") }],
    routes: [...result.routes, route("172.16.0.0/12 10.9.0.1")],
  };
  for (const attachment of expectedByEach(wishes, made, chained)) {
    expect(attachment.addresses.map(({ address }) => formatPrefix(address))).toEqual(["10.1.0.2/24"]);
    expect(theStep("pod", attachment).routes.map(({ dst }) => formatPrefix(dst))).toEqual(["0.0.0.0/0"]);
  }
});

test("routes that a foreign IPAM plugin gave are known by the record", () => {
  const wishes = { ipam: undefined, foreignIpam: "static", isDefaultGateway: true };
  const made = attachmentOf(wishes, ["10.1.0.2/24 10.1.0.1", "fd01::2/64"], {
    routes: [route("10.9.0.0/16"), route("10.8.0.0/16 10.1.0.9")],
    leaseDirectory: undefined,
  });
  const result = resultFor(made);
  const chained: Result = { ...result, routes: [...result.routes, route("172.16.0.0/12 10.9.0.1")] };
  const routesOf = (record: Attachment | undefined) =>
    theStep("pod", expected(wishes, chained, record)).routes.map(({ dst }) => formatPrefix(dst));
  const foreignRoutes = ["10.9.0.0/16", "10.8.0.0/16"];
  for (const record of [made, readFields({ ...version1Of(made), foreignRoutes })])
    expect(routesOf(record)).toEqual(["10.9.0.0/16", "10.8.0.0/16", "0.0.0.0/0"]);
  expect(routesOf(undefined)).toEqual(["0.0.0.0/0"]);
});

test("a MAC that a later plugin changed on purpose is the one to hold", () => {
  const made = attachmentOf();
  const result = resultFor(made);
  const interfaces = result.interfaces.map((each) =>
    each.name === "eth0" ? { ...each, mac: "0a:00:00:00:00:77" } : each,
  );
  for (const attachment of expectedByEach({}, made, { ...result, interfaces }))
    expect(theStep("veth", attachment).pod.mac).toBe("0a:00:00:00:00:77");
});

test("an interface of the host with the pod's interface name is not the pod's", () => {
  const result = resultFor(attachmentOf());
  const [bridge, host, pod] = result.interfaces;
  const interfaces = [{ ...bridge!, name: "eth0" }, host!, pod!];
  expect(expected({}, { ...result, interfaces }).addresses).toHaveLength(1);
  expect(findPodEnd({ ...result, interfaces: [interfaces[0]!, host!] }, "eth0")).toBeUndefined();
  expect(findPodEnd({ interfaces: [], ips: [], routes: [], dns: {} }, "eth0")).toBeUndefined();
});

test("an attachment keeps the chain that it was made with, whatever ranges the configuration has now", () => {
  const made = attachmentOf({ ipMasq: true, subnets: ["10.1.0.0/24"] });
  const now = { ipMasq: true, subnets: ["10.1.0.0/24", "10.2.0.0/24"] };
  const [byRecord, byVersion1, byNone] = expectedByEach(now, made).map((attachment) =>
    theStep("masquerade", attachment).subnets.map(formatPrefix),
  );
  expect([byRecord, byVersion1]).toEqual([["10.1.0.0/24"], ["10.1.0.0/24"]]);
  expect(byNone).toEqual(["10.1.0.0/24", "10.2.0.0/24"]);
});

test("an attachment keeps the backend that it was made with, whatever the configuration says now; without a record that counts", () => {
  const backendsOf = (madeBy: "nftables" | "iptables", now: "nftables" | "iptables") =>
    expectedByEach(
      { ipMasq: true, ipMasqBackend: now },
      attachmentOf({ ipMasq: true, ipMasqBackend: madeBy }),
    ).map((attachment) => kindsOf(attachment).filter((kind) => kind.toLowerCase().includes("masquerade")));
  const [nftables, iptables] = [["masquerade"], ["iptablesMasquerade"]];
  expect(backendsOf("nftables", "iptables")).toEqual([nftables, nftables, iptables]);
  expect(backendsOf("iptables", "nftables")).toEqual([iptables, iptables, nftables]);
});

test("an attachment in a VLAN is masqueraded where its packets come in, as its record says", () => {
  const now = { vlan: 100, ipMasq: true };
  const made = attachmentOf({ vlan: 7, ipMasq: true });
  const interfaces = expectedByEach(now, made).map(
    (attachment) => theStep("masquerade", attachment).gatewayInterface,
  );
  expect(interfaces).toEqual(["br0.7", "br0.7", "br0.100"]);
});

test("the MTU is the record's, and without a record the result's", () => {
  const result = resultFor(attachmentOf({}, [V4], { bridgeMtu: 1400 }));
  const mtus = expectedByEach({}, attachmentOf(), result).map(
    (attachment) => theStep("veth", attachment).mtu,
  );
  expect(mtus).toEqual([1500, 1500, 1400]);
});

test("an attachment without ipMasq is not looked for in the packet rules", () => {
  for (const attachment of expectedByEach({}, attachmentOf()))
    expect(kindsOf(attachment)).not.toContain("masquerade");
});

test("an attachment keeps the policy and the limits that it was made with, whatever the configuration says now", () => {
  const bandwidth = { ingress: { rate: 8000, burst: 0 }, egressInPod: true };
  const limits = (attachment: Attachment) => [
    attachment.ingressPolicy,
    attachment.bandwidth?.ingress?.rate,
    onBridge(attachment).link.isolated,
  ];
  const plain = expectedByEach({ ingressPolicy: "isolated", bandwidth }, attachmentOf()).map(limits);
  expect(plain).toEqual([
    [undefined, undefined, false],
    [undefined, undefined, false],
    ["isolated", 8000, true],
  ]);
  const isolated = expectedByEach({}, attachmentOf({ ingressPolicy: "isolated", bandwidth })).map(limits);
  expect(isolated).toEqual([
    ["isolated", 8000, true],
    ["isolated", 8000, true],
    [undefined, undefined, false],
  ]);
});

test("an attachment with a record is Pontoon's, also when the result of the chain does not name its host's end", () => {
  const wishes = { ipMasq: true, macspoofchk: true };
  const made = attachmentOf(wishes);
  const result = resultFor(made);
  const [bridge, , pod] = result.interfaces;
  const short = { ...result, interfaces: [bridge!, pod!], ips: [{ ...result.ips[0]!, interface: 1 }] };
  for (const record of [made, readFields(version1Of(made))]) {
    const attachment = expected(wishes, short, record);
    expect(kindsOf(attachment)).toEqual(kindsKnownTo(attachment, made));
    expect(hostEndOf(attachment.link)).toEqual(hostEndOf(made.link));
  }
});

test("an attachment that another program made has its host's end where the result names that, and neither rules nor limits of Pontoon", () => {
  const wishes: Wishes = {
    ipMasq: true,
    macspoofchk: true,
    ingressPolicy: "open",
    bandwidth: { ingress: { rate: 8000, burst: 0 }, egressInPod: true },
  };
  const result = resultFor(attachmentOf(wishes));
  const [bridge, host, pod] = result.interfaces;
  const interfaces = [bridge!, { ...host!, name: "vethabcdef" }, pod!];
  const attachment = expected(wishes, { ...result, interfaces });
  expect(kindsOf(attachment)).toEqual(["bridge", "gateway", "forwarding", "veth", "pod", "announce"]);
  expect(theStep("veth", attachment).host.name).toBe("vethabcdef");
  expect(theStep("announce", attachment).hostInterface).toBe("vethabcdef");
});

test("a record of version 1 gets from the configuration what it does not tell", () => {
  const wishes: Wishes = {
    promiscMode: true,
    forceAddress: true,
    enabledad: true,
    portIsolation: true,
    hairpinMode: true,
    vlanTrunk: [{ first: 200, last: 299 }],
    tuning: { sysctls: [], txQueueLength: 7, promiscuous: false, allMulticast: false },
  };
  const made = attachmentOf(wishes);
  const attachment = expected(wishes, resultFor(made), readFields(version1Of(made)));
  expect(attachment).toEqual({ ...made, version: 1 });
});

test("the lease of an attachment with a record of version 1 is looked for where its ADD put it", () => {
  const made = attachmentOf({}, [V4], { leaseDirectory: "/elsewhere/net" });
  const record = readFields(version1Of(made));
  expect(expected({}, resultFor(made), record).leaseDirectory).toBe("/elsewhere/net");
});
