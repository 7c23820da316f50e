// Which source address is seen: only packets that leave the cluster have the node's.
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackgroundProcess } from "../support/process.ts";
import { SYSTEM_PATH, toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { apply, deploy, node, outside, remove, rolledOut, router } from "./support/stage.ts";
import {
  addressesOf,
  daemonSet,
  HOST_PORT,
  PORT,
  podOf,
  SERVER,
  seenFrom,
  service,
  startWeb,
} from "./support/web.ts";

const NODE_PORT = 30_081;
let server: BackgroundProcess;

beforeAll(async () => {
  await deploy("base");
  await startWeb();
  const ports = [{ port: 80, targetPort: PORT, nodePort: NODE_PORT }];
  await apply([
    // The server in the node's own namespace.
    daemonSet("web-on-node", SERVER.replace(`-p ${PORT}`, "-p 8090"), { hostNetwork: true }),
    service("web-local", "web", { type: "NodePort", externalTrafficPolicy: "Local", ports }),
  ]);
  await rolledOut("daemonset/web-on-node");
  const prefix = process.env["PREFIX"] ?? "pontoon-kube";
  server = new BackgroundProcess(
    [
      toolPath("nsenter"),
      `--net=/run/netns/${prefix}-outside`,
      toolPath("unshare"),
      "--mount",
      "sh",
      "-ec",
      `mount -t tmpfs tmpfs /tmp; alias httpd='busybox httpd'; NODE=outside; ${SERVER.replace("exec httpd", "echo ready; exec busybox httpd")}`,
    ],
    { env: { PATH: SYSTEM_PATH }, timeoutMs: 600_000 },
  );
  await server.says("ready");
  await waitFor(
    "the server outside listens",
    async () => (await router.try("nc -z 10.92.0.2 8080")).status === 0,
  );
});
afterAll(async () => {
  await server.stop();
  await remove("service/web-local", "daemonset/web-on-node");
});

test("a pod is seen by its own address by a pod of another node", async () => {
  const [asker, answerer] = [await podOf("web", 1), await podOf("web", 2)];
  for (const family of ["ipv4", "ipv6"] as const)
    expect(await seenFrom(asker.name, answerer[family])).toBe(asker[family]);
});

test("a pod is seen by its own address by its node and by another node", async () => {
  const asker = await podOf("web", 1);
  for (const n of [1, 2]) {
    expect(await seenFrom(asker.name, `10.90.0.1${n}`, 8090)).toBe(asker.ipv4);
    expect(await seenFrom(asker.name, `fd00:90::1${n}`, 8090)).toBe(asker.ipv6);
  }
});

test("a pod is seen by its node's address outside of the cluster", async () => {
  const asker = await podOf("web", 1);
  expect(await seenFrom(asker.name, "10.92.0.2")).toBe("10.90.0.11");
  expect(await seenFrom(asker.name, "fd00:92::2")).toBe("fd00:90::11");
});

test("a node is seen by its own address by a pod of another node", async () => {
  const answerer = await podOf("web", 2);
  expect(await seenFrom(node(1), answerer.ipv4)).toBe("10.90.0.11");
  expect(await seenFrom(node(1), answerer.ipv6)).toBe("fd00:90::11");
});

test.each([
  { way: "a host port", port: HOST_PORT },
  { way: "a node port of a service with externalTrafficPolicy Local", port: NODE_PORT },
])("a host outside is seen by its own address through $way", async ({ port }) => {
  expect(await seenFrom(outside, "10.90.0.12", port)).toBe("10.92.0.2");
  expect(await seenFrom(outside, "fd00:90::12", port)).toBe("fd00:92::2");
});

test("a pod is seen by its own address by the pods behind a service", async () => {
  const asker = await podOf("web", 1);
  const { ipv4, ipv6 } = await addressesOf("web");
  // A pod that reaches itself by its service is seen otherwise, so ask until the other one has answered, too.
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) seen.add(await seenFrom(asker.name, i % 2 === 0 ? ipv4 : ipv6, 80));
  expect([...seen]).toEqual(expect.arrayContaining([asker.ipv4, asker.ipv6]));
  expect([...seen].filter((address) => /^(10\.90|fd00:90)/.test(address))).toEqual([]);
});
