// What the log hears of an attachment that is not quite as its network was meant.
import { expect, test } from "vitest";
import type { AttachedHostPorts } from "../../../src/attachment/host-ports.ts";
import { noticesOf } from "../../../src/plan/notice.ts";
import { anyAttachmentOf, attachmentOf, netconf, route } from "./input.ts";

const PORTS: AttachedHostPorts = {
  mappings: [{ protocol: "tcp", hostPort: 8080, hostPortEnd: 8080, containerPort: 80, address: "10.1.0.2" }],
  masquerade: "own",
  subnets: ["10.1.0.0/24"],
  markBit: 13,
  gatewayInterface: "br0.100",
  hairpin: true,
};

const NOWHERE = { isFiltered: { 4: false, 6: false }, bridgeLearned: false };

test.each([
  ["in a VLAN, where the packet filter sees bridges", { vlan: 100 }, true, 1],
  ["in a VLAN, where it does not", { vlan: 100 }, false, 0],
  ["without a VLAN", {}, true, 0],
] as const)("%s: said in the log when a way is not there", (_, keys, hairpin, count) => {
  const attachment = { ...attachmentOf(keys), hostPorts: { ...PORTS, hairpin } };
  const notices = noticesOf(attachment, netconf(keys), NOWHERE);
  expect(notices).toHaveLength(count);
  for (const notice of notices)
    expect(notice).toContain("host ports do not answer pods of VLAN 100 of bridge br0");
});

test.each([
  ["masqueraded in a VLAN, where the packet filter sees IPv4", { vlan: 100, ipMasq: true }, [true, false], 1],
  ["masqueraded in a VLAN, where it sees IPv6", { vlan: 100, ipMasq: true }, [false, true], 1],
  ["masqueraded in a VLAN, where it sees nothing", { vlan: 100, ipMasq: true }, [false, false], 0],
  ["in a VLAN without masquerading", { vlan: 100 }, [true, true], 0],
  ["masqueraded without a VLAN", { ipMasq: true }, [true, true], 0],
] as const)("%s: said in the log when pods reach nobody beyond the node", (_, keys, [four, six], count) => {
  const notices = noticesOf(attachmentOf(keys), netconf(keys), {
    ...NOWHERE,
    isFiltered: { 4: four, 6: six },
  });
  expect(notices).toHaveLength(count);
  for (const notice of notices)
    expect(notice).toContain("pods of VLAN 100 of bridge br0 reach nobody beyond the node");
});

test("a limit that is not taken as it was asked for is said, in one sentence for each direction", () => {
  const bandwidth = { ingress: { rate: 8_000_000, burst: 8 }, egressInPod: true };
  const wishes = { bandwidth };
  expect(noticesOf(attachmentOf(wishes), netconf(wishes), NOWHERE)).toEqual([
    "ingressBurst 8 with ingressRate 8000000: 12144 bits are used, because the largest packet needs more",
  ]);
  const both = { bandwidth: { ...bandwidth, egress: { rate: 8_000_000, burst: 8_000_001 } } };
  expect(noticesOf(attachmentOf(both), netconf(both), NOWHERE)).toHaveLength(2);
});

test.each([
  ["with macspoofchk, on a bridge that learned from them", { macspoofchk: true }, true, 1],
  ["with macspoofchk, on a bridge that did not", { macspoofchk: true }, false, 0],
  ["without macspoofchk, on a bridge that goes on learning from them", {}, true, 0],
] as const)(
  "%s: said in the log when a bridge that was there stops learning from link-local frames",
  (_, keys, bridgeLearned, count) => {
    const notices = noticesOf(attachmentOf(keys), netconf(keys), { ...NOWHERE, bridgeLearned });
    expect(notices).toHaveLength(count);
    for (const notice of notices)
      expect(notice).toContain("for macspoofchk that is now off (no_linklocal_learn)");
  },
);

test.each([
  ["its gateway", "10.9.0.0/16 10.1.0.1", {}, undefined],
  ["no next hop", "10.9.0.0/16", {}, undefined],
  ["another address of the subnet", "10.9.0.0/16 10.1.0.77", {}, "to 10.9.0.0/16 by 10.1.0.77 leads nowhere"],
  ["an address outside", "10.9.0.0/16 10.55.0.1", {}, "to 10.9.0.0/16 by 10.55.0.1 leads nowhere"],
  ["the link itself", "10.9.0.0/16", { scope: 253 }, "to 10.9.0.0/16 on the link leads nowhere"],
] as const)(
  "said in the log on a pair, whose one neighbour is the gateway: a route by %s",
  (_, text, more, says) => {
    const keys = { routes: [route(text, more)] };
    const notices = noticesOf(anyAttachmentOf({ attach: "ptp", ...keys }), netconf(keys), NOWHERE);
    expect(notices).toEqual(
      says === undefined ? [] : [expect.stringContaining(`the route ${says}`) as string],
    );
    expect(noticesOf(attachmentOf(keys), netconf(keys), NOWHERE)).toEqual([]);
  },
);
