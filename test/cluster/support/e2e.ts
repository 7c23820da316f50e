// Kubernetes' own tests (e2e.test) against the cluster: prints one line for each, its result and its seconds.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../support/tool.ts";
import { nodes } from "./by-hand.ts";
import { node, router } from "./stage.ts";

/** Regular expressions of the tests' names: those that are run, and those of them that are not. */
export interface Selection {
  focus: string;
  skip: string;
}

/** Archives, report and log: they stay when the cluster goes. */
const WORK = join(process.env["STATE"] ?? "", "../e2e");
/** dash as sh: busybox's would take its own nc, which has not what the tests ask for. */
const PROGRAMS = ["sh", "bash", "curl", "dig", "nc", "ss", "socat", "ip", "getent"];

/** Folder with what test/cluster/stage/build makes for the tests of this name. */
export function build(name: "conformance" | "netpol" | "flannel"): string {
  return execFileSync(join(REPOSITORY, "test/cluster/stage/build"), [name], { encoding: "utf8" }).trim();
}

/** Runs the tests with the programs of that folder. The exit status is 1 when one failed, or none was run. */
export async function play(bin: string, selection: Selection): Promise<void> {
  rmSync(WORK, { recursive: true, force: true });
  await importImages(bin);
  await openRouter();
  run(bin, selection);
  report();
}

/** Makes an image by test/cluster/stage/image with these words, and gives it to every node. */
export async function importImage(words: string[], env: Record<string, string> = {}): Promise<void> {
  const file = join(WORK, "image.tar");
  mkdirSync(WORK, { recursive: true });
  const options = { env: { ...process.env, ...env } };
  execFileSync(join(REPOSITORY, "test/cluster/stage/image"), [file, ...words], options);
  for (const { n } of await nodes()) await node(n).must(`ctr -n k8s.io images import ${file} > /dev/null`);
}

/** The images that the tests ask for, by their names, made of what is here. */
async function importImages(bin: string): Promise<void> {
  const root = join(WORK, "root");
  mkdirSync(root, { recursive: true });
  for (const file of ["agnhost", "localhost.crt", "localhost.key"]) cpSync(join(bin, file), join(root, file));
  cpSync(join(bin, "agnhost"), join(root, "agnhost-2"));
  const listed = spawnSync(join(bin, "e2e.test"), ["--list-images"], { encoding: "utf8" }).stdout.split("\n");
  const named = (name: string): string =>
    listed
      .filter((line) => line.includes(`/${name}:`))
      .sort()
      .at(-1) ?? "";
  const start = { EXTRA: root, ENTRY: '["/agnhost"]', CMD: '["pause"]' };
  const names = [named("agnhost"), named("glibc-dns-testing")].filter((name) => name !== "").join(",");
  await importImage([names, ...PROGRAMS], start);
  await importImage([named("pause")]);
}

/** The API server calls pods, so its namespace needs the way to them, as a control plane on a node has it. */
async function openRouter(): Promise<void> {
  for (const { subnets, addresses } of await nodes())
    for (const subnet of subnets) {
      const via = addresses.find((address) => address.includes(":") === subnet.includes(":"));
      await router.must(`ip route replace ${subnet} via ${via}`);
    }
}

function run(bin: string, { focus, skip }: Selection): void {
  const prefix = process.env["PREFIX"] ?? "pontoon-kube";
  const log = openSync(join(WORK, "log"), "w");
  const flags = [
    `--kubeconfig=${process.env["STATE"]}/admin.kubeconfig`,
    "--provider=skeleton",
    `--kubectl-path=${join(bin, "kubectl")}`,
    "--num-nodes=2",
    `--ginkgo.focus=${focus}`,
    `--ginkgo.skip=${skip}`,
    "--ginkgo.no-color",
    "--ginkgo.v",
    "--ginkgo.timeout=40m",
    "--system-pods-startup-timeout=1m",
    `--report-dir=${join(WORK, "report")}`,
  ];
  const command = [`--net=/run/netns/${prefix}-router`, join(bin, "e2e.test"), ...flags];
  spawnSync("nsenter", command, { stdio: ["ignore", log, log] });
}

/** Prints the tests that were run; the report is a JUnit file. */
function report(): void {
  const text = readFileSync(join(WORK, "report/junit_01.xml"), "utf8");
  const cases = [...text.matchAll(/<testcase name="\[It\] ([^"]*)"[^>]*status="(\w+)" time="([\d.]+)"/g)]
    .map(([, name = "", status = "", seconds = ""]) => ({ name, status, seconds: Number(seconds) }))
    .filter(({ status }) => status !== "skipped")
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const plain = (name: string): string =>
    name.replaceAll("&#39;", "'").replaceAll("&#34;", '"').replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  for (const { name, status, seconds } of cases)
    console.log(`${status.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${plain(name)}`);
  const failed = cases.filter(({ status }) => status !== "passed").length;
  console.log(`${cases.length - failed} passed, ${failed} failed; the log is ${join(WORK, "log")}`);
  if (failed > 0 || cases.length === 0) process.exitCode = 1;
}
