// Host ports in the plan of an ADD.
import { expect, test } from "vitest";
import { planAdd } from "../../../src/plan/add.ts";
import type { RecordedHostPorts } from "../../../src/record/attachment.ts";
import { addInput, netconf, V4 } from "./input.ts";

const PORTS: RecordedHostPorts = {
  mappings: [{ protocol: "tcp", hostPort: 8080, hostPortEnd: 8080, containerPort: 80, address: "10.1.0.2" }],
  masquerade: "own",
  subnets: ["10.1.0.0/24"],
  markBit: 13,
  gatewayInterface: "br0.100",
  hairpin: true,
};

const VLAN = { vlan: 100, hasVlans: true, gatewayInterface: "br0.100" };

test("they come after masquerading and before the announcement, by the interface that leads to the pod", () => {
  const { steps } = planAdd(addInput(netconf({ ...VLAN, ipMasq: true }), [V4], { hostPorts: PORTS }));
  expect(steps.map(({ kind }) => kind).slice(-3)).toEqual(["masquerade", "hostPorts", "announce"]);
  expect(steps.find(({ kind }) => kind === "hostPorts")).toMatchObject({
    ports: { gatewayInterface: "br0.100" },
  });
});

test.each([
  ["in a VLAN, where the packet filter sees bridges", VLAN, true, 1],
  ["in a VLAN, where it does not", VLAN, false, 0],
  ["without a VLAN", {}, true, 0],
] as const)("%s: said in the log when a way is not there", (_, keys, hairpin, count) => {
  const { notices = [] } = planAdd(addInput(netconf(keys), [V4], { hostPorts: { ...PORTS, hairpin } }));
  expect(notices).toHaveLength(count);
  for (const notice of notices)
    expect(notice).toContain("host ports do not answer pods of VLAN 100 of bridge br0");
});
