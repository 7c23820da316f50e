// The agent against a real API server: kube-apiserver, kube-controller-manager and etcd in namespaces, with
// Node objects that nobody's kubelet made. It takes what scripts/test-cluster has built, and is left out
// where that is not there: to build it takes 20 minutes. scripts/test-cluster shows the same and more with
// real nodes.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kubectl, stage, type Thing, tryStage } from "../cluster/support/stage.ts";
import { BackgroundProcess } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";

const where = spawnSync(join(REPOSITORY, "test/cluster/stage/build"), ["--where"], { encoding: "utf8" });
const hasEtcd = spawnSync("sh", ["-c", "command -v etcd"]).status === 0;
const isMissing = where.status !== 0 || !hasEtcd;
if (isMissing)
  console.log(
    "The tests with a real API server are not run: Kubernetes or etcd is not on this machine, and building takes 20 " +
      "minutes. That is no failure; scripts/test-cluster puts both there and runs all of its tests.",
  );

const folder = mkdtempSync(join(tmpdir(), "pontoon-api-server-"));
const PREFIX = `pontoon-api-${process.pid}`;
const DEPLOYED = [
  "base",
  "overlays/vxlan",
  "overlays/dual-stack",
  "overlays/care",
  "overlays/kind",
  "uninstall",
];
let agent: BackgroundProcess;

describe.skipIf(isMissing)("with a real API server", () => {
  beforeAll(async () => {
    Object.assign(process.env, {
      BIN: where.stdout.trim(),
      STATE: join(folder, "state"),
      PREFIX,
      CONTROL_ONLY: "1",
    });
    await stage(["up"]);
    await stage(["node-link", "1"]);
    await kubectl(["apply", "-f", join(REPOSITORY, "deploy/base/rbac.yaml"), "-n", "kube-system"]);
    mkdirSync(join(folder, "account"));
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "conf"));
    writeFileSync(
      join(folder, "account/token"),
      await kubectl(["-n", "kube-system", "create", "token", "pontoon"]),
    );
    execFileSync("cp", [join(folder, "state/pki/ca.crt"), join(folder, "account")]);
    await joins("node1", ["10.90.0.11", "fd00:90::11"]);
    agent = await startAgent();
  }, 120_000);
  afterAll(async () => {
    await agent?.stop();
    await tryStage(["down"]);
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(DEPLOYED)("the API server takes deploy/%s without a word of warning", async (name) => {
    const words = ["apply", "--dry-run=server", "-k", join(REPOSITORY, "deploy", name)];
    const { status, stderr } = await tryStage(["kubectl", ...words]);
    expect([status, stderr]).toEqual([0, ""]);
  });

  test("the configuration has the subnets that the cluster gave to the node", async () => {
    await waitFor("it is there", async () => (await read("conf/10-pontoon.conflist")) !== "", 10_000, 50);
    for (const subnet of await subnetsOf("node1"))
      expect(await read("conf/10-pontoon.conflist")).toContain(subnet);
    expect(await inNode("nft list table inet pontoon-node")).toContain("masquerade");
  });

  test("a node that comes gets routes, one that moves others, and one that goes loses them", async () => {
    await joins("node2", ["10.90.0.12", "fd00:90::12"]);
    const [four = "", six = ""] = await subnetsOf("node2");
    await expectRoutes([`${four} via 10.90.0.12`, `${six} via fd00:90::12`]);
    await addresses("node2", ["10.90.0.22", "fd00:90::22"]);
    await expectRoutes([`${four} via 10.90.0.22`, `${six} via fd00:90::22`]);
    await kubectl(["delete", "node", "node2"]);
    await expectRoutes([]);
  });

  test("what has changed while the agent was away is right after its start", async () => {
    await joins("node3", ["10.90.0.13", "fd00:90::13"]);
    const [old = ""] = await subnetsOf("node3");
    await waitFor(
      "the route is there",
      async () => (await routes()).includes(`${old} via 10.90.0.13`),
      10_000,
      50,
    );
    await agent.stop();
    await kubectl(["delete", "node", "node3"]);
    await joins("node3", ["10.90.0.33", "fd00:90::33"]);
    const [four = "", six = ""] = await subnetsOf("node3");
    expect(await routes()).toContain(`${old} via 10.90.0.13`);
    agent = await startAgent();
    await expectRoutes([`${four} via 10.90.0.33`, `${six} via fd00:90::33`]);
  });

  test("while the API server is away nothing changes, and afterwards changes are heard again", async () => {
    const before = await routes();
    await stage(["api-down"]);
    await inNode("ip route flush proto 180");
    await expectRoutes(before);
    await stage(["api-up"]);
    await kubectl(["delete", "node", "node3"]);
    await expectRoutes([], 40_000);
  });

  test("the API server refuses the agent's account all but reading nodes", async () => {
    const may = async (...words: string[]): Promise<boolean> => {
      const who = "--as=system:serviceaccount:kube-system:pontoon";
      return (await tryStage(["kubectl", "auth", "can-i", who, ...words])).status === 0;
    };
    for (const verb of ["get", "list", "watch"]) expect(await may(verb, "nodes")).toBe(true);
    for (const verb of ["patch", "update", "delete", "create"]) expect(await may(verb, "nodes")).toBe(false);
    for (const thing of ["pods", "secrets", "configmaps", "services"])
      expect(await may("list", thing)).toBe(false);
    expect(await may("patch", "nodes", "--subresource=status")).toBe(false);
    expect(await may("create", "events")).toBe(false);
  });
});

/** A Node object; the controller manager gives it its subnets. */
async function joins(name: string, list: string[]): Promise<void> {
  const object = { apiVersion: "v1", kind: "Node", metadata: { name } };
  await kubectl(["apply", "-f", "-"], { stdin: JSON.stringify(object) });
  await addresses(name, list);
  await waitFor("it has subnets", async () => (await subnetsOf(name)).length === 2, 10_000, 100);
}

async function addresses(name: string, list: string[]): Promise<void> {
  const status = { addresses: list.map((address) => ({ type: "InternalIP", address })) };
  const patch = JSON.stringify({ status });
  await kubectl(["patch", "node", name, "--subresource=status", "--type=merge", "-p", patch]);
}

async function subnetsOf(name: string): Promise<string[]> {
  const node = JSON.parse(await kubectl(["get", "node", name, "-o", "json"])) as Thing;
  return node["spec"].podCIDRs ?? [];
}

async function startAgent(): Promise<BackgroundProcess> {
  const options = Object.entries({
    "node-name": "node1",
    api: "https://10.90.0.1:6443",
    "service-account": join(folder, "account"),
    "conf-dir": join(folder, "conf"),
    "bin-dir": join(folder, "bin"),
    pontoon: join(REPOSITORY, "dist/pontoon"),
    listen: "none",
  }).flatMap(([name, value]) => [`--${name}`, value]);
  const command = ["nsenter", `--net=/run/netns/${PREFIX}-node1`, process.execPath];
  const started = new BackgroundProcess(
    [...command, join(REPOSITORY, "dist/pontoon-agent.cjs"), ...options],
    {
      env: { PATH: SYSTEM_PATH },
      timeoutMs: 300_000,
    },
  );
  await started.says('"code":"started"');
  return started;
}

async function inNode(line: string): Promise<string> {
  const words = [`--net=/run/netns/${PREFIX}-node1`, "sh", "-c", line];
  return execFileSync("nsenter", words, { encoding: "utf8" });
}

async function read(path: string): Promise<string> {
  return spawnSync("cat", [join(folder, path)], { encoding: "utf8" }).stdout;
}

/** The routes of ours, as "SUBNET via ADDRESS". */
async function routes(): Promise<string[]> {
  const both = await Promise.all([4, 6].map((family) => inNode(`ip -${family} -j route show proto 180`)));
  return both
    .flatMap((text) => (text.trim() === "" ? [] : (JSON.parse(text) as Thing[])))
    .map(({ dst, gateway }) => `${dst} via ${gateway}`)
    .sort();
}

async function expectRoutes(wanted: string[], limitMs = 15_000): Promise<void> {
  const text = JSON.stringify([...wanted].sort());
  await waitFor(
    `the routes are ${text}`,
    async () => JSON.stringify(await routes()) === text,
    limitMs,
    100,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message} They are ${JSON.stringify(await routes())}.\n${agent.output}`);
  });
}
