// From an attachment to the result of its ADD, and from the result of a chain back to the attachment.
import { expect, test } from "vitest";
import { ifbName } from "../../../src/attachment/name.ts";
import type { Result } from "../../../src/cni/result.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { dnsOf, findPodEnd, resultOf, withResult } from "../../../src/plan/result.ts";
import { address, prefix } from "../../support/ip.ts";
import { attachmentOf, KEY, netconf, podAddress, route, theStep, V4, V6, type Wishes } from "./input.ts";

const BRIDGE = { index: 7, mac: "0a:00:00:00:00:0b", mtu: 9000 };
const SEEN = { bridge: BRIDGE, vlanGateway: undefined, dns: {} };

test("the result names bridge, host end and pod end, in this order, and gives all addresses to the pod's end", () => {
  const attachment = attachmentOf({}, [V4, V6]);
  const result = resultOf(attachment, SEEN);
  expect(result.interfaces.map(({ name, sandbox }) => [name, sandbox])).toEqual([
    ["br0", undefined],
    [attachment.link.host.name, undefined],
    ["eth0", "/run/netns/c1"],
  ]);
  expect(result.ips).toEqual([
    { interface: 2, address: prefix("10.1.0.2/24"), gateway: address("10.1.0.1") },
    { interface: 2, address: prefix("fd01::2/64"), gateway: address("fd01::1") },
  ]);
});

test("the result tells MACs and MTUs: the bridge's as it was found or made, and those of both ends of the wire", () => {
  const { interfaces } = resultOf(attachmentOf({ mtu: 1400 }, [V4], { bridgeMtu: 9000 }), SEEN);
  expect(interfaces.map(({ mac, mtu }) => [mac, mtu])).toEqual([
    ["0a:00:00:00:00:0b", 9000],
    ["0a:00:00:00:00:02", 1400],
    ["0a:58:0a:01:00:02", 1400],
  ]);
});

test("the gateway's interface in a VLAN is the fourth, and the device that holds back what the pod sends comes after all", () => {
  const bandwidth = { egress: { rate: 8000, burst: 0 }, egressInPod: false };
  const vlanGateway = { index: 9, mac: "0a:00:00:00:00:0c", mtu: 1300 };
  const { interfaces } = resultOf(attachmentOf({ vlan: 100, bandwidth }), { ...SEEN, vlanGateway });
  expect(interfaces.slice(3)).toEqual([
    { name: "br0.100", mac: "0a:00:00:00:00:0c", mtu: 1300 },
    { name: ifbName(KEY), mac: "0a:00:00:00:00:04", mtu: 1500 },
  ]);
  const inPod = attachmentOf({ vlan: 100, bandwidth: { ...bandwidth, egressInPod: true } });
  expect(resultOf(inPod, SEEN).interfaces).toHaveLength(3);
});

test("dns is the configuration's own if it says anything, else what came with the addresses", () => {
  const ipamDns = { nameservers: ["10.0.0.9"] };
  const dns = (own: Wishes["dns"]) => dnsOf(netconf({ dns: own }), ipamDns);
  expect(dns({ nameservers: ["10.0.0.1"] })).toEqual({ nameservers: ["10.0.0.1"] });
  // As in the reference: a list that is there and empty says that there are none.
  expect(dns({ nameservers: [] })).toEqual({ nameservers: [] });
  expect(dns({ domain: "" })).toEqual(ipamDns);
  expect(dns(undefined)).toEqual(ipamDns);
  expect(resultOf(attachmentOf(), { ...SEEN, dns: ipamDns }).dns).toEqual(ipamDns);
});

const RESULT = resultOf(attachmentOf({ routes: [route("10.9.0.0/16")] }, [V4, V6]), SEEN);

test("the pod's end of a result is the interface of that name inside the pod, with the addresses that are its own or nobody's", () => {
  const [bridge, host, pod] = RESULT.interfaces;
  const foreign = { interface: 0, address: prefix("10.7.0.2/24") };
  const ofNobody = { address: prefix("10.8.0.2/24") };
  const result: Result = {
    ...RESULT,
    interfaces: [{ ...bridge!, name: "eth0" }, host!, pod!],
    ips: [foreign, ...RESULT.ips, ofNobody],
  };
  expect(findPodEnd(result, "eth0")).toEqual({ index: 2, link: pod, ips: [...RESULT.ips, ofNobody] });
  expect(findPodEnd(result, "eth1")).toBeUndefined();
});

/** The attachment with the final result of the chain laid over. */
function laidOver(changes: Partial<Result>, attachment = attachmentOf({ routes: [route("10.9.0.0/16")] })) {
  const result = { ...RESULT, ...changes };
  return withResult(attachment, result, findPodEnd(result, "eth0")!);
}

test("with the result laid over, the addresses are those that the result has for the pod's end", () => {
  const ips = [{ interface: 2, address: prefix("10.5.0.2/24"), gateway: address("10.5.0.1") }];
  const attachment = laidOver({ ips }, attachmentOf({ macspoofchk: true }));
  expect(attachment.addresses).toEqual([podAddress("10.5.0.2/24 10.5.0.1")]);
  expect(theStep("gateway", attachment).addresses.map(formatPrefix)).toEqual(["10.5.0.1/24"]);
  expect(attachment).toEqual({ ...attachmentOf({ macspoofchk: true }), addresses: attachment.addresses });
});

test("with the result laid over, the MAC is the result's where that says one, and so for the spoof check", () => {
  const [bridge, host, pod] = RESULT.interfaces;
  const changed = (mac: string | undefined) =>
    laidOver({ interfaces: [bridge!, host!, { ...pod!, mac }] }, attachmentOf({ macspoofchk: true }));
  expect(theStep("veth", changed("0a:00:00:00:00:77")).pod.mac).toBe("0a:00:00:00:00:77");
  expect(theStep("spoofCheck", changed("0a:00:00:00:00:77")).mac).toBe("0a:00:00:00:00:77");
  expect(theStep("veth", changed(undefined)).pod.mac).toBe("0a:58:0a:01:00:02");
});

test("with the result laid over, the routes are those of the result to places that the attachment has a route to", () => {
  const changed = route("10.9.0.0/16 10.1.0.9", { mtu: 1300 });
  expect(laidOver({ routes: [changed, route("172.16.0.0/12 10.9.0.1")] }).routes).toEqual([changed]);
  expect(laidOver({ routes: [] }).routes).toEqual([]);
});

test("with the result laid over, the MTU stays that of the attachment, and is the result's where the attachment has none", () => {
  const [bridge, host, pod] = RESULT.interfaces;
  const interfaces = [bridge!, host!, { ...pod!, mtu: 1400 }];
  expect(laidOver({ interfaces }).link.mtu).toBe(1500);
  expect(laidOver({ interfaces }, attachmentOf({}, [V4], { bridgeMtu: undefined })).link.mtu).toBe(1400);
});
