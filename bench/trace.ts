// The program with a stop watch in it: a copy of src whose functions, named here, are phases. The product
// itself stays as it is and pays nothing. When a function is renamed the bench stops and says which one;
// test/unit/trace.test.ts says it before.
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../test/support/tool.ts";
import { compileEntry, WORK_FOLDER } from "./compile.ts";

/** Phases in the order in which they are shown. */
export const PHASES: Record<string, string> = {
  start: "the process and the engine, until our first line",
  parse: "reading and checking the request",
  observe: "the pod's namespace, the bridge",
  record: "the attachment record",
  lease: "the addresses",
  plan: "the plan",
  bridge: "bridge, gateway address, forwarding",
  link: "the veth pair",
  container: "the pod's end: up, address, routes",
  rules: "masquerading",
  ports: "host ports",
  policy: "who reaches the pod",
  shaping: "limits of bandwidth",
  settings: "settings inside the pod",
  announce: "the port forwards, announcing",
  answer: "the result as text, and printing it",
  close: "closing sockets",
  rest: "between these parts",
  exit: "our last line until the caller knows",
};

/** Functions by file: `function NAME(`, exported or not, becomes a phase. */
const FUNCTIONS: [file: string, name: string, phase: string][] = [
  ["cni/request.ts", "readRequest", "parse"],
  ["host/namespace.ts", "openPod", "observe"],
  ["host/namespace.ts", "openPodIfThere", "observe"],
  ["host/kind/veth/veth.ts", "checkInterfaceIsFree", "observe"],
  ["look/observed.ts", "observe", "observe"],
  ["record/intent.ts", "createIntentFile", "record"],
  ["verb/claim.ts", "claimAddresses", "lease"],
  ["ipam/release.ts", "release", "lease"],
  ["plan/describe.ts", "describe", "plan"],
  ["plan/steps.ts", "stepsOf", "plan"],
  ["plan/result.ts", "resultOf", "plan"],
  ["host/kind/bridge/bridge.ts", "ensureBridge", "bridge"],
  ["host/kind/gateway/gateway.ts", "ensureGateway", "bridge"],
  ["host/kind/forwarding/forwarding.ts", "ensureForwarding", "bridge"],
  ["host/kind/veth/veth.ts", "createVeth", "link"],
  ["host/shut.ts", "shutPort", "link"],
  ["host/removal.ts", "removeLinks", "link"],
  ["host/kind/pod/set-up.ts", "setUp", "container"],
  ["host/kind/masquerade/nftables.ts", "putMasquerade", "rules"],
  ["host/removal.ts", "removeRules", "rules"],
  ["plan/host-port.ts", "planHostPorts", "ports"],
  ["look/listener.ts", "observeListeners", "ports"],
  ["host/kind/host-port/host-port.ts", "putHostPorts", "ports"],
  ["nft/host-port.ts", "removeHostPorts", "ports"],
  ["host/kind/host-port/flow.ts", "forgetFlows", "ports"],
  ["host/kind/ingress/ingress.ts", "putPolicy", "policy"],
  ["host/kind/ingress/part.ts", "removeParts", "policy"],
  ["plan/bandwidth.ts", "bandwidthStep", "shaping"],
  ["host/kind/bandwidth/bandwidth.ts", "limitBandwidth", "shaping"],
  ["host/kind/tuning/tuning.ts", "tune", "settings"],
  ["host/kind/announce/announce.ts", "announceAddresses", "announce"],
  ["cni/result-format.ts", "formatResult", "answer"],
];

/** Other places, by their text. */
const PLACES: [file: string, text: string, replacement: string][] = [
  [
    "main.ts",
    "export function main(): number {",
    "export function main(): number {\n  begin();\n  const status = main_();\n  finish();\n  return status;\n}\nfunction main_(): number {",
  ],
  [
    "main.ts",
    "\nfunction print(",
    '\nfunction print(...words: Parameters<typeof print_>): void {\n  timed("answer", () => print_(...words));\n}\nfunction print_(',
  ],
  [
    "host/node.ts",
    "    for (const thing of this.kept) thing[Symbol.dispose]();",
    '    enter("close");\n    for (const thing of this.kept) thing[Symbol.dispose]();',
  ],
];

/** Builds the instrumented executable. */
export function compileTraced(): string {
  const folder = join(WORK_FOLDER, "traced-source");
  rmSync(folder, { recursive: true, force: true });
  writeTraced(folder);
  return compileEntry("traced", join(folder, "main.ts"));
}

/** Writes the sources with the stop watch in them. Throws when a phase is not where it was. */
export function writeTraced(folder: string): void {
  cpSync(join(REPOSITORY, "src"), folder, { recursive: true });
  writeFileSync(
    join(folder, "timer.ts"),
    readFileSync(join(REPOSITORY, "bench/timer.ts"), "utf8").replace("../src/", "./"),
  );
  for (const [file, name, phase] of FUNCTIONS) {
    edit(folder, file, `function ${name}(`, wrapped(name, phase));
  }
  for (const place of PLACES) edit(folder, ...place);
  for (const file of new Set([...FUNCTIONS, ...PLACES].map(([name]) => name))) importTimer(folder, file);
}

function wrapped(name: string, phase: string): string {
  return `function ${name}(...words: Parameters<typeof ${name}_>): ReturnType<typeof ${name}_> {
  return timed("${phase}", () => ${name}_(...words));
}
function ${name}_(`;
}

function edit(folder: string, file: string, text: string, replacement: string): void {
  const path = join(folder, file);
  const source = readFileSync(path, "utf8");
  if (source.split(text).length !== 2)
    throw new Error(
      `src/${file} does not hold ${JSON.stringify(text)} once: bench/trace.ts names a phase by it`,
    );
  writeFileSync(
    path,
    source.replace(text, () => replacement),
  );
}

function importTimer(folder: string, file: string): void {
  const path = join(folder, file);
  const up = "../".repeat(file.split("/").length - 1) || "./";
  writeFileSync(
    path,
    `import { begin, enter, finish, timed } from "${up}timer.ts";\n${readFileSync(path, "utf8")}`,
  );
}
