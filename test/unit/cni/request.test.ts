import { describe, expect, test } from "vitest";
import { readRequest, unreadableStdin } from "../../../src/cni/request.ts";
import { failureOf } from "./failure.ts";

const ENV = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/var/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web",
  CNI_PATH: "/opt/cni/bin",
};
const CONFIG = {
  cniVersion: "1.1.0",
  name: "pods",
  ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] },
};

const read = (verb: string, config: object = CONFIG, env: object = {}) =>
  readRequest({ CNI_COMMAND: verb, ...ENV, ...env }, () => JSON.stringify(config));
const untouched = (): string => {
  throw new Error("stdin was read");
};

test("ADD knows its attachment, its namespace and its pod", () => {
  expect(read("ADD")).toMatchObject({
    verb: "ADD",
    key: { network: "pods", containerId: "c1", interfaceName: "eth0" },
    namespacePath: "/var/run/netns/x",
    pod: "default/web",
    allowOwnNamespace: false,
    pluginPath: ["/opt/cni/bin"],
    netconf: { name: "pods", bridge: "cni0" },
  });
});

test("every verb keeps the configuration as it was read, for other plugins", () => {
  const text = ` {"name":"pods", "cniVersion":"1.1.0","x":12345678901234567890,"prevResult":{},"cni.dev/attachments":[]}\n`;
  for (const verb of ["ADD", "CHECK", "DEL", "GC", "STATUS"]) {
    expect(readRequest({ CNI_COMMAND: verb, ...ENV }, () => text)).toMatchObject({ stdin: text });
  }
});

test("ADD knows the requests in CNI_ARGS", () => {
  expect(read("ADD", CONFIG, { CNI_ARGS: "IP=10.1.0.9;MAC=02-58-0a-01-00-05" })).toMatchObject({
    netconf: { mac: "02:58:0a:01:00:05", requestedAddresses: [{ family: 4, value: 0x0a010009n }] },
  });
});

test("CHECK needs the result of ADD", () => {
  expect(read("CHECK", { ...CONFIG, prevResult: {} })).toMatchObject({
    verb: "CHECK",
    netconf: { prevResult: { ips: [] } },
  });
  for (const config of [CONFIG, { ...CONFIG, prevResult: null }]) {
    expect(failureOf(() => read("CHECK", config))).toMatchObject({
      code: 7,
      msg: "Required prevResult missing",
    });
  }
});

test("DEL works with what is left: no namespace, ranges that cannot be read, requests for an address", () => {
  const config = {
    cniVersion: "0.1.0",
    name: "pods",
    vlan: 5,
    ipam: { type: "host-local", ranges: 5, dataDir: "/x" },
  };
  expect(read("DEL", config, { CNI_NETNS: "", CNI_ARGS: "IP=x;MAC=y" })).toMatchObject({
    verb: "DEL",
    namespacePath: "",
    config: { dataDir: "/x" },
  });
});

test("GC has its list", () => {
  expect(
    read("GC", { ...CONFIG, "cni.dev/valid-attachments": [{ containerID: "a", ifname: "b" }] }),
  ).toMatchObject({
    verb: "GC",
    pluginPath: ["/opt/cni/bin"],
    config: {
      name: "pods",
      validAttachments: [{ containerId: "a", interfaceName: "b" }],
    },
  });
});

test("STATUS is checked like ADD", () => {
  expect(read("STATUS")).toMatchObject({ verb: "STATUS", netconf: { name: "pods" } });
  expect(failureOf(() => read("STATUS", { ...CONFIG, mtu: 1 })).code).toBe(7);
});

describe("order", () => {
  test("VERSION never reads stdin and needs nothing else", () => {
    expect(readRequest({ CNI_COMMAND: "VERSION" }, untouched)).toEqual({ verb: "VERSION" });
  });

  test("an unknown verb and a wrong environment are refused before stdin is read", () => {
    expect(failureOf(() => readRequest({ CNI_COMMAND: "ADDD" }, untouched)).code).toBe(4);
    expect(failureOf(() => readRequest({ CNI_COMMAND: "ADD" }, untouched)).code).toBe(4);
  });

  test("JSON, then name, then version, then values, then what is not supported", () => {
    const text = (json: string) => failureOf(() => readRequest({ CNI_COMMAND: "GC", ...ENV }, () => json));
    expect(text("{").code).toBe(6);
    expect(text('{"cniVersion":"0.1.0"}').msg).toBe("missing network name");
    expect(text('{"cniVersion":"0.1.0","name":"a","cni.dev/valid-attachments":5}').msg).toBe(
      "config version does not allow GC",
    );
    expect(
      failureOf(() => read("ADD", { ...CONFIG, cniVersion: "9.0.0", externalSetMarkChain: "X", mtu: 1 }))
        .code,
    ).toBe(1);
    expect(failureOf(() => read("ADD", { ...CONFIG, externalSetMarkChain: "X", mtu: 1 })).code).toBe(7);
    expect(failureOf(() => read("ADD", { ...CONFIG, externalSetMarkChain: "X" })).code).toBe(2);
  });
});

test("a stdin that cannot be read has code 5 and says why", () => {
  expect(unreadableStdin("EISDIR")).toMatchObject({ code: 5, message: "error reading from stdin: EISDIR" });
});
