// usage: scripts/test-cluster --conformance [FOCUS]
// Kubernetes' own tests of networks against the cluster with deploy/base: prints one line for each, its
// result and its seconds. The exit status is 1 when one failed, or none was run.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/tool.ts";
import { nodes } from "./support/by-hand.ts";
import { deploy, node, router } from "./support/stage.ts";
import { startDns } from "./support/web.ts";

/** What conformance asks of a network, and the tests of both families. */
const FOCUS = String.raw`\[sig-network\].*(\[Conformance\]|IPv6DualStack)`;
/** It measures how long services take to answer, on a machine of its own. */
const SKIP = "should not be very high|Feature:.*(LoadBalancer|SCTP)|Disruptive";
/** dash as sh: busybox's would take its own nc, which has not what the tests ask for. */
const PROGRAMS = ["sh", "bash", "curl", "dig", "nc", "ss", "socat", "ip", "getent"];

const BIN = execFileSync(join(REPOSITORY, "test/cluster/stage/build"), ["conformance"], {
  encoding: "utf8",
}).trim();
const work = join(process.env["STATE"] ?? "", "conformance");

await deploy("base");
await startDns();
await importImages();
await openRouter();
run(process.argv[2] ?? FOCUS);
report();

/** The images that the tests ask for, by their names, made of what is here. */
async function importImages(): Promise<void> {
  const root = join(work, "root");
  mkdirSync(root, { recursive: true });
  for (const file of ["agnhost", "localhost.crt", "localhost.key"]) cpSync(join(BIN, file), join(root, file));
  cpSync(join(BIN, "agnhost"), join(root, "agnhost-2"));
  const listed = spawnSync(join(BIN, "e2e.test"), ["--list-images"], { encoding: "utf8" }).stdout.split("\n");
  const named = (name: string): string =>
    listed
      .filter((line) => line.includes(`/${name}:`))
      .sort()
      .at(-1) ?? "";
  const image = (file: string, tags: string, env: Record<string, string>, programs: string[]): string => {
    const path = join(work, file);
    const words = [path, tags, ...programs];
    execFileSync(join(REPOSITORY, "test/cluster/stage/image"), words, { env: { ...process.env, ...env } });
    return path;
  };
  const start = { EXTRA: root, ENTRY: '["/agnhost"]', CMD: '["pause"]' };
  const names = [named("agnhost"), named("glibc-dns-testing")].filter((name) => name !== "").join(",");
  const images = [image("agnhost.tar", names, start, PROGRAMS), image("pause.tar", named("pause"), {}, [])];
  for (const { n } of await nodes())
    for (const path of images) await node(n).must(`ctr -n k8s.io images import ${path} > /dev/null`);
}

/** The API server calls pods, so its namespace needs the way to them, as a control plane on a node has it. */
async function openRouter(): Promise<void> {
  for (const { subnets, addresses } of await nodes())
    for (const subnet of subnets) {
      const via = addresses.find((address) => address.includes(":") === subnet.includes(":"));
      await router.must(`ip route replace ${subnet} via ${via}`);
    }
}

function run(focus: string): void {
  const prefix = process.env["PREFIX"] ?? "pontoon-kube";
  const log = openSync(join(work, "log"), "w");
  const flags = [
    `--kubeconfig=${process.env["STATE"]}/admin.kubeconfig`,
    "--provider=skeleton",
    `--kubectl-path=${join(BIN, "kubectl")}`,
    "--num-nodes=2",
    `--ginkgo.focus=${focus}`,
    `--ginkgo.skip=${SKIP}`,
    "--ginkgo.no-color",
    "--ginkgo.v",
    "--ginkgo.timeout=40m",
    "--system-pods-startup-timeout=1m",
    `--report-dir=${join(work, "report")}`,
  ];
  const command = [`--net=/run/netns/${prefix}-router`, join(BIN, "e2e.test"), ...flags];
  spawnSync("nsenter", command, { stdio: ["ignore", log, log] });
}

/** Prints the tests that were run; the report is a JUnit file. */
function report(): void {
  const text = readFileSync(join(work, "report/junit_01.xml"), "utf8");
  const cases = [...text.matchAll(/<testcase name="\[It\] ([^"]*)"[^>]*status="(\w+)" time="([\d.]+)"/g)]
    .map(([, name = "", status = "", seconds = ""]) => ({ name, status, seconds: Number(seconds) }))
    .filter(({ status }) => status !== "skipped")
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const plain = (name: string): string =>
    name.replaceAll("&#39;", "'").replaceAll("&#34;", '"').replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  for (const { name, status, seconds } of cases)
    console.log(`${status.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${plain(name)}`);
  const failed = cases.filter(({ status }) => status !== "passed").length;
  console.log(`${cases.length - failed} passed, ${failed} failed; the log is ${join(work, "log")}`);
  if (failed > 0 || cases.length === 0) process.exitCode = 1;
}
