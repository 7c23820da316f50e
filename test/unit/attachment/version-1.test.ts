// Real records of version 1, each with the call that made it and the result of its ADD.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { readRequest } from "../../../src/cni/request.ts";
import { readResult } from "../../../src/cni/result-parse.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { describe } from "../../../src/plan/describe.ts";
import { STEP_NAMES } from "../../../src/plan/order.ts";
import type { Step, StepName } from "../../../src/plan/step.ts";
import { stepOf, stepsOf } from "../../../src/plan/steps.ts";
import { onBridge } from "../../support/on-bridge.ts";
import { REPOSITORY } from "../../support/tool.ts";
import { readFields } from "./version-1.ts";

const FOLDER = join(REPOSITORY, "test/plugin/record-1");

/** A record as the release wrote it. */
interface Fields {
  [key: string]: unknown;
  key: Attachment["key"];
  host: Attachment["host"];
  namespace: Attachment["namespace"];
  leaseDirectory?: string;
  hostMac: string;
  mac: string;
  mtu: number;
  addresses: string[];
  foreignRoutes?: string[];
  masqueradeSubnets?: string[];
  masqueradeBackend?: string;
  spoofCheck?: boolean;
  ingressPolicy?: string;
  sourceRouting?: boolean;
  bandwidth?: NonNullable<Attachment["bandwidth"]>;
  hostPorts?: NonNullable<Attachment["hostPorts"]>;
}

interface Fixture {
  network: { cniVersion: string; name: string; plugins: [Record<string, unknown>] };
  more?: Record<string, unknown>;
  env?: Record<string, string>;
  result: unknown;
  record: Fields;
}

const fixtures = readdirSync(FOLDER).map((file): [string, Fixture] => [
  file.replace(".json", ""),
  JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Fixture,
]);

/** The attachment that an ADD of today describes for the call, with what chance and the node decided then. */
function describeCall({ network, more, env, result, record }: Fixture): Attachment {
  const { cniVersion, name, plugins } = network;
  const variables = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: record.key.containerId,
    CNI_NETNS: record.namespace.path,
    CNI_IFNAME: record.key.interfaceName,
    CNI_PATH: "/opt/cni/bin",
    ...env,
  };
  const request = readRequest(variables, () => JSON.stringify({ ...plugins[0], cniVersion, name, ...more }));
  if (request.verb !== "ADD") throw new Error("The call is no ADD.");
  const { netconf, key, pod } = request;
  const { ips, routes } = readResult(result, "result", new Problems());
  const isFiltered = record.hostPorts?.hairpin === true;
  return describe(
    {
      netconf,
      key,
      host: record.host,
      namespace: record.namespace,
      pod,
      leaseDirectory: netconf.ipam && `${netconf.ipam.dataDir}/${name}`,
      bridgeMtu: record.mtu,
      macs: { host: record.hostMac, pod: record.mac, ifb: "" },
      isFiltered: { 4: isFiltered, 6: isFiltered },
    },
    {
      addresses: ips.map(({ address, gateway }) => ({ address, gateway })),
      routes: netconf.ipam?.routes ?? routes,
    },
  );
}

/** A description without what records of version 1 do not tell. */
function asVersion1(described: Attachment, { mac, foreignRoutes = [] }: Fields): Attachment {
  const { link } = onBridge(described);
  const { addresses, bandwidth, ingressPolicy, hostPorts, routes } = described;
  return {
    ...described,
    version: 1,
    addresses: addresses.map(({ address }) => ({ address, gateway: undefined })),
    routes: routes.filter(({ dst }) => foreignRoutes.includes(formatPrefix(dst))).map(({ dst }) => ({ dst })),
    gateway: undefined,
    tuning: undefined,
    bandwidth: bandwidth && { ...bandwidth, ifbMac: undefined },
    link: {
      ...link,
      host: { ...link.host, isRaisedFirst: false },
      // With a foreign IPAM plugin the MAC was chosen before there were addresses.
      pod: { ...link.pod, mac, isRaised: true },
      hairpin: hostPorts?.hairpin === true,
      isolated: ingressPolicy === "isolated",
      hasFixedMac: false,
    },
  };
}

test("there are records of version 1 with everything that one could tell", () => {
  expect(fixtures).toHaveLength(16);
  const told = new Set(fixtures.flatMap(([, { record }]) => Object.keys(record)));
  for (const name of ["pod", "masqueradeBackend", "foreignRoutes", "bandwidth", "hostPorts", "sourceRouting"])
    expect(told).toContain(name);
});

test.each(fixtures)("the record %s gives the attachment that its call describes", (_, fixture) => {
  const { record } = fixture;
  const read = readFields(record);
  expect(read).toEqual(asVersion1(describeCall(fixture), record));
  expect(read.addresses.map(({ address }) => formatPrefix(address))).toEqual(record.addresses);
});

/** The kinds of steps that a record of version 1 tells all about. */
const TOLD: StepName[] = [
  "ingressPolicy",
  "spoofCheck",
  "bandwidth",
  "masquerade",
  "iptablesMasquerade",
  "hostPorts",
];

/** The steps as today's ADD makes them, but that nobody knows the MAC that the ifb has. */
function madeToday(fixture: Fixture): Step[] {
  const described = describeCall(fixture);
  const { link, bandwidth } = described;
  return stepsOf(
    {
      ...described,
      bandwidth: bandwidth && { ...bandwidth, ifbMac: undefined },
      link: { ...link, pod: { ...link.pod, mac: fixture.record.mac } },
    },
    TOLD,
  );
}

test.each(fixtures)("the record %s makes the rules that were recorded, and no others", (_, fixture) => {
  const { record } = fixture;
  const read = readFields(record);
  expect(stepsOf(read, TOLD)).toEqual(madeToday(fixture));

  const isByIptables = record.masqueradeBackend === "iptables";
  const masquerade = stepOf(isByIptables ? "iptablesMasquerade" : "masquerade", read);
  expect(masquerade?.subnets.map(formatPrefix)).toEqual(record.masqueradeSubnets);
  expect(stepOf(isByIptables ? "masquerade" : "iptablesMasquerade", read)).toBeUndefined();
  expect(stepOf("spoofCheck", read)?.mac).toBe(record.spoofCheck === true ? record.mac : undefined);
  expect(stepOf("ingressPolicy", read)?.policy).toBe(record.ingressPolicy);
  expect(stepOf("hostPorts", read)?.ports).toEqual(record.hostPorts);
  const { ingress, egress } = stepOf("bandwidth", read) ?? {};
  expect([ingress?.rate, egress?.rate]).toEqual(
    [record.bandwidth?.ingress, record.bandwidth?.egress].map((limit) => limit && limit.rate / 8),
  );
  const sources = stepOf("sourceRouting", read)?.sources.map(formatAddress);
  expect(sources).toEqual(
    record.sourceRouting ? record.addresses.map((each) => each.split("/")[0]) : undefined,
  );
});

test("a record of version 1 has no step for what it does not tell", () => {
  const untold: StepName[] = ["vlanGateway", "gateway", "forwarding", "portVlan", "tuning"];
  for (const [, { record }] of fixtures) expect(stepsOf(readFields(record), untold)).toEqual([]);
  expect(STEP_NAMES).toEqual(expect.arrayContaining(untold));
});

test("what cannot be read in the lists of a record of version 1 is left out, and the rest counts", () => {
  const [, { record }] = fixtures.find(([name]) => name === "everything")!;
  const read = readFields({
    ...record,
    addresses: ["rubbish", "10.1.0.2/24"],
    masqueradeSubnets: ["", "10.1.0.0/24"],
    foreignRoutes: ["10.9.0.0/16", "10.9.0.0/99"],
  });
  expect(read.addresses.map(({ address }) => formatPrefix(address))).toEqual(["10.1.0.2/24"]);
  expect(read.masquerade?.subnets.map(formatPrefix)).toEqual(["10.1.0.0/24"]);
  expect(read.routes.map(({ dst }) => formatPrefix(dst))).toEqual(["10.9.0.0/16"]);
});

test("in a VLAN the gateway's interface of a record of version 1 is where the pod's packets come in", () => {
  const [, { record }] = fixtures.find(([name]) => name === "everything")!;
  const read = readFields({ ...record, gatewayInterface: "pods0.100" });
  expect(stepOf("masquerade", read)?.gatewayInterface).toBe("pods0.100");
  expect(stepOf("ingressPolicy", read)).toMatchObject({
    bridge: "pods0",
    gatewayInterface: "pods0.100",
    families: [4, 6],
  });
});
