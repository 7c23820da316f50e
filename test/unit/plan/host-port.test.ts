// Host ports with the pod's addresses.
import { expect, test } from "vitest";
import type { HostPortConfig } from "../../../src/cni/host-port-config.ts";
import { planHostPorts } from "../../../src/plan/host-port.ts";
import type { PortListener } from "../../../src/plan/listener.ts";
import { failure } from "../../support/failure.ts";
import { address } from "../../support/ip.ts";
import { attachmentOf, kindsOf, netconf, podAddress, theStep, V4, V6, type Wishes } from "./input.ts";

const MAPPING = { hostAddress: undefined, hostPort: 8080, hostPortEnd: 8080, containerPort: 80 };
const CONFIG: HostPortConfig = {
  mappings: [{ ...MAPPING, protocol: "tcp" }],
  snat: true,
  masqAll: false,
  markMasqBit: 13,
  allowListening: false,
  iptablesChains: false,
  conditions4: undefined,
  conditions6: undefined,
};

test("they come after masquerading and before the announcement, by the interface that leads to the pod", () => {
  const attachment = attachmentOf({ vlan: 100, ipMasq: true, hostPorts: CONFIG });
  expect(kindsOf(attachment).slice(-3)).toEqual(["masquerade", "hostPorts", "announce"]);
  expect(theStep("hostPorts", attachment)).toMatchObject({ ports: { gatewayInterface: "br0.100" } });
});

interface Plan {
  config?: Partial<HostPortConfig>;
  wishes?: Wishes;
  addresses?: string[];
  isFiltered?: { 4: boolean; 6: boolean };
  listeners?: PortListener[];
}

const NOWHERE = { 4: false, 6: false };
const plan = ({
  config = {},
  wishes = {},
  addresses = [V4, V6],
  isFiltered = NOWHERE,
  listeners = [],
}: Plan) =>
  planHostPorts({
    config: { ...CONFIG, ...config },
    netconf: netconf(wishes),
    addresses: addresses.map(podAddress),
    isFiltered,
    listeners,
    key: { network: "net", containerId: "6537f52c", interfaceName: "eth0" },
  });

test.each([
  ["all addresses of the node", undefined, ["10.1.0.2", "fd01::2"], undefined],
  ["all addresses of one family", "0.0.0.0", ["10.1.0.2"], undefined],
  ["all addresses of the other family", "::", ["fd01::2"], undefined],
  ["one address of the node", "192.168.0.1", ["10.1.0.2"], "192.168.0.1"],
])("ports on %s lead to the pod's first address of each family that is meant", (_, hostIp, targets, kept) => {
  const hostAddress = hostIp === undefined ? undefined : address(hostIp);
  const { mappings } = plan({
    config: { mappings: [{ ...MAPPING, protocol: "udp", hostAddress }] },
    addresses: [V4, "10.2.0.2/24", V6],
  });
  expect(mappings.map(({ address: target }) => target)).toEqual(targets);
  for (const mapping of mappings) {
    expect(mapping.hostAddress).toBe(kept);
    expect(mapping).toMatchObject({ protocol: "udp", hostPort: 8080, hostPortEnd: 8080, containerPort: 80 });
  }
});

test("ports that can lead nowhere are refused with code 7, before anything is made", () => {
  const one = { ...MAPPING, protocol: "tcp" as const, hostAddress: address("fd02::1") };
  expect(failure(() => plan({ config: { mappings: [one] }, addresses: [V4] }))).toMatchObject({
    code: 7,
    message: expect.stringContaining("hostIP fd02::1: the pod has no IPv6 address"),
  });
  expect(failure(() => plan({ addresses: [] }))).toMatchObject({
    code: 7,
    message: expect.stringContaining("the pod has no address that they could lead to"),
  });
  // What is meant for all addresses of a family that the pod has none of leads nowhere by itself alone.
  const all = { ...one, hostAddress: address("::") };
  const { mappings } = plan({ config: { mappings: [all, ...CONFIG.mappings] }, addresses: [V4] });
  expect(mappings.map(({ address: target }) => target)).toEqual(["10.1.0.2"]);
});

test("before a foreign IPAM plugin has named addresses there is no mapping yet", () => {
  const wishes = { ipam: undefined, foreignIpam: "static" };
  expect(plan({ wishes, addresses: [] }).mappings).toEqual([]);
  expect(plan({ wishes, addresses: [V4] }).mappings).toHaveLength(1);
});

test.each<[string, Plan, boolean]>([
  ["the packet filter sees bridges in the family of a mapping", { isFiltered: { 4: true, 6: false } }, true],
  ["it does in the other family alone", { isFiltered: { 4: false, 6: true }, addresses: [V4] }, false],
  ["it does not", {}, false],
  ["the bridge is promiscuous", { isFiltered: { 4: true, 6: true }, wishes: { promiscMode: true } }, false],
  [
    "the family is not known yet",
    { isFiltered: { 4: false, 6: true }, addresses: [], wishes: { ipam: undefined, foreignIpam: "static" } },
    true,
  ],
])("a pod needs hairpin mode to reach its own host ports when %s: %j %j", (_, input, hairpin) => {
  expect(plan(input).hairpin).toBe(hairpin);
});

test.each<[Partial<HostPortConfig>, string]>([
  [{ snat: false }, "none"],
  [{ snat: true }, "own"],
  [{ snat: true, masqAll: true }, "all"],
  [{ snat: false, masqAll: true }, "all"],
])("%j: %s of the sources get the node's address", (config, masquerade) => {
  expect(plan({ config }).masquerade).toBe(masquerade);
});

const NGINX = { pid: 812, name: "nginx", arguments: ["nginx", "-g", "daemon off;"] };
const CONMON = { pid: 901, name: "conmon", arguments: ["conmon", "--api-version", "1", "-c", "6537f52c"] };
const listener = (text: string, holders = [NGINX], isForBoth = false): PortListener => ({
  protocol: "tcp",
  address: address(text),
  port: 8080,
  isForBoth,
  holders,
});

test.each([
  ["0.0.0.0", undefined, "nginx (pid 812) listens on 0.0.0.0:8080"],
  ["192.168.0.1", undefined, "nginx (pid 812) listens on 192.168.0.1:8080"],
  ["0.0.0.0", "192.168.0.1", "nginx (pid 812) listens on 0.0.0.0:8080"],
  ["127.0.0.53", "127.0.0.53", "nginx (pid 812) listens on 127.0.0.53:8080"],
])("a listener on %s is in the way of a port of %s", (text, hostIp, said) => {
  const hostAddress = hostIp === undefined ? undefined : address(hostIp);
  const config = { mappings: [{ ...MAPPING, protocol: "tcp" as const, hostAddress }] };
  expect(failure(() => plan({ config, listeners: [listener(text)] }))).toMatchObject({
    code: 131,
    message: `host port cannot be used: ${said}`,
  });
});

test("a listener on a loopback address alone keeps what is sent to it, and ::1 needs nothing for that", () => {
  const listeners = ["127.0.0.53", "127.0.0.53", "127.0.0.1", "::1"].map((text) => listener(text));
  const kept = ["127.0.0.53", "127.0.0.1"].map((text) => ({ protocol: "tcp", port: 8080, address: text }));
  expect(plan({ listeners }).kept).toEqual(kept);
  const hostAddress = address("192.168.0.1");
  const config = { mappings: [{ ...MAPPING, protocol: "tcp" as const, hostAddress }] };
  expect(plan({ config, listeners }).kept).toBeUndefined();
});

test("a socket that the runtime holds for the container is not in the way and keeps nothing", () => {
  const listeners = [
    listener("0.0.0.0", [NGINX, CONMON]),
    listener("::", [CONMON], true),
    listener("127.0.0.1", [CONMON]),
  ];
  expect(plan({ listeners }).kept).toBeUndefined();
  const other = { ...CONMON, arguments: [...CONMON.arguments.slice(0, -1), "6537f52c0"] };
  expect(failure(() => plan({ listeners: [listener("0.0.0.0", [other])] })).code).toBe(131);
});
