// From what is asked for, known and given to the description of an attachment.
import { expect, test } from "vitest";
import { formatRecord } from "../../../src/attachment/text.ts";
import type { HostPortConfig } from "../../../src/cni/host-port-config.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { describe, withAddresses } from "../../../src/plan/describe.ts";
import { noticesOf } from "../../../src/plan/notice.ts";
import { resultOf } from "../../../src/plan/result.ts";
import { stepsOf } from "../../../src/plan/steps.ts";
import { failure } from "../../support/failure.ts";
import { attachmentOf, known, podAddress, route, V4, V6 } from "./input.ts";

test("a plan is made of its input alone, and changes nothing of it", () => {
  const input = {
    known: known({ ipMasq: true, isDefaultGateway: true, subnets: ["10.1.0.0/24"], vlan: 100 }),
    given: { addresses: [V4, V6].map(podAddress), routes: [route("0.0.0.0/0")] },
    seen: { bridge: { index: 7, mac: "0a:00:00:00:00:01", mtu: 1500 }, vlanGateway: undefined, dns: {} },
  };
  const plan = ({ known, given, seen }: typeof input) => {
    const attachment = describe(known, given);
    const before = structuredClone(attachment);
    const notices = noticesOf(attachment, known.netconf, {
      isFiltered: known.isFiltered,
      bridgeLearned: false,
    });
    const planned = { steps: stepsOf(attachment), result: resultOf(attachment, seen), notices };
    expect(attachment).toEqual(before);
    return { attachment, ...planned };
  };
  const before = structuredClone(input);
  expect(plan(input)).toEqual(plan(structuredClone(before)));
  expect(input).toEqual(before);
});

test.each([
  ["the bridge's", 0, 9000, 9000],
  ["the configuration's where that is smaller", 1400, 9000, 1400],
  ["the bridge's where the configuration's is larger: the bridge would lose packets", 9000, 1400, 1400],
  ["unknown where nobody knows the bridge's", 1400, undefined, undefined],
])("the MTU of the wire is %s", (_, mtu, bridgeMtu, wanted) => {
  expect(attachmentOf({ mtu }, [V4], { bridgeMtu }).link.mtu).toBe(wanted);
});

test("the pod's MAC is the one that is asked for, else follows the first IPv4 address, else is random", () => {
  const macOf = (mac: string | undefined, addresses: string[]) =>
    attachmentOf({ mac }, addresses).link.pod.mac;
  expect(macOf("02:00:00:00:00:07", [V4])).toBe("02:00:00:00:00:07");
  expect(macOf(undefined, [V6, V4])).toBe("0a:58:0a:01:00:02");
  expect(macOf(undefined, [V6])).toBe("0a:00:00:00:00:03");
});

test("a MAC that is asked for and belongs to another pod is refused: the two would take each other's frames", () => {
  const ask = (mac: string) => attachmentOf({ mac, subnets: ["10.1.0.0/24"] });
  expect(ask("0a:58:0a:01:00:02").link.pod.mac).toBe("0a:58:0a:01:00:02");
  expect(failure(() => ask("0a:58:0a:01:00:03"))).toMatchObject({
    code: 7,
    message: expect.stringContaining("0a:58:0a:01:00:03 belongs to the pod with the address 10.1.0.3"),
  });
});

test("a port is isolated where it is asked for, and by the policy that says so", () => {
  const isIsolated = (wishes: Parameters<typeof attachmentOf>[0]) => attachmentOf(wishes).link.isolated;
  expect([
    isIsolated({}),
    isIsolated({ portIsolation: true }),
    isIsolated({ ingressPolicy: "isolated" }),
    isIsolated({ ingressPolicy: "same-bridge" }),
  ]).toEqual([false, true, true, false]);
});

const HOST_PORTS: HostPortConfig = {
  mappings: [
    { protocol: "tcp", hostAddress: undefined, hostPort: 8080, hostPortEnd: 8080, containerPort: 80 },
  ],
  snat: true,
  masqAll: false,
  markMasqBit: 13,
  allowListening: false,
  iptablesChains: false,
  conditions4: undefined,
  conditions6: undefined,
};

test("an attachment that was begun keeps its wire when its IPAM plugin has named addresses", () => {
  const wishes = { ipam: undefined, foreignIpam: "static", hostPorts: HOST_PORTS, ipMasq: true };
  const before = known(wishes, { isFiltered: { 4: false, 6: true }, leaseDirectory: undefined });
  const begun = describe(before, { addresses: [], routes: [] });
  expect(begun).toMatchObject({ addresses: [], masquerade: undefined, hostPorts: { mappings: [] } });
  const given = { addresses: [podAddress(V4)], routes: [route("10.9.0.0/16")] };
  const whole = withAddresses(begun, before, given);
  expect(whole).toEqual({ ...describe(before, given), link: begun.link, hostPorts: whole.hostPorts });
  expect(whole.link.pod.mac).toBe("0a:00:00:00:00:03");
  expect(whole.addresses.map(({ address }) => formatAddress(address.address))).toEqual(["10.1.0.2"]);
  // The wire has hairpin mode for IPv6 already, which the host ports of IPv4 alone would not have needed.
  expect(whole.hostPorts).toMatchObject({ mappings: [{ address: "10.1.0.2" }], hairpin: true });
});

test("the record of an attachment grows by what its IPAM plugin gives: an intent is written over in place", () => {
  for (const isFiltered of [true, false]) {
    const wishes = { ipam: undefined, foreignIpam: "static", hostPorts: HOST_PORTS, macspoofchk: true };
    const before = known(wishes, { isFiltered: { 4: isFiltered, 6: isFiltered } });
    const begun = describe(before, { addresses: [], routes: [] });
    const whole = withAddresses(begun, before, { addresses: [podAddress("10.1.0.2/24")], routes: [] });
    expect(formatRecord(whole).length).toBeGreaterThan(formatRecord(begun).length);
  }
});

test("without addresses there is nothing to masquerade, and nothing for an interface that stays down", () => {
  expect(attachmentOf({ ipMasq: true, ipam: undefined }, []).masquerade).toBeUndefined();
  expect(attachmentOf({ ipMasq: true, disableContainerInterface: true }).masquerade).toBeUndefined();
});
