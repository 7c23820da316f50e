// Every file of state emptied, garbled, cut off, removed, or replaced by something else; then each call that
// may come next. The pod that nobody touches keeps its address and its network.
import { addressesOf, type CniResult } from "../support/cni.ts";
import type { Outcome } from "../support/process.ts";
import type { Bench, CaseList, Part } from "./part.ts";
import { type Action, Stage } from "./stage.ts";

/** The files, by what they are; `whose` stands for the owner. */
const FILES = [
  "lease-of-red",
  "lease-of-resident",
  "record-of-red",
  "record-of-resident",
  "lease-lock",
  "hint",
  "boot-marker",
  "node-lock",
  "all-leases",
  "all-records",
];

/** What happens to the file `$f`, in shell. */
const DAMAGES: Record<string, string> = {
  emptied: ': > "$f"',
  garbled: 'head -c 300 /dev/urandom > "$f"',
  "cut-off": 'truncate -s $(($(stat -c %s "$f") / 2)) "$f"',
  removed: 'rm -rf "$f"',
  folder: 'rm -rf "$f"; mkdir "$f"',
  "full-folder": 'rm -rf "$f"; mkdir -p "$f/x"; echo x > "$f/x/y"',
  fifo: 'rm -rf "$f"; mkfifo "$f"',
  "link-to-itself": 'rm -rf "$f"; ln -s "$f" "$f"',
  "link-to-nowhere": 'rm -rf "$f"; ln -s /run/nowhere "$f"',
  "character-device": 'rm -rf "$f"; mknod "$f" c 1 5',
  socket: 'rm -rf "$f"; python3 -c "import socket,sys;socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$f"',
  huge: 'truncate -s 100M "$f"',
};

/** Whose state is damaged: a network of each kind of thing that only a record knows. */
const VARIANTS = ["nftables", "wire", "device"];

const NEXT = ["then-ADD", "then-DEL", "then-GC", "then-CHECK", "then-STATUS", "then-restore"];

/** How long no call takes, in milliseconds, whatever it meets: locks are waited for 10 seconds. */
const LIMIT_MS = 15_000;

export const damage: Part = {
  name: "damage",
  promise: "Whatever becomes of a file of state, no call crashes or hangs, and no address has two owners.",
  cases,
  firstWord: "variant",
  open: async () => new DamageBench(),
};

async function cases(): Promise<CaseList> {
  const damages = FILES.flatMap((file) =>
    Object.keys(DAMAGES)
      .filter((each) => !file.startsWith("all-") || !["emptied", "garbled", "cut-off", "huge"].includes(each))
      .flatMap((each) => NEXT.map((next) => `${file} ${each} ${next}`)),
  );
  return { names: VARIANTS.flatMap((variant) => damages.map((each) => `${variant} ${each}`)) };
}

class DamageBench implements Bench {
  calls = 0;

  /** Each case has a host of its own: nothing is left of what was damaged before. */
  async play(name: string): Promise<string[]> {
    const [variant = "", file = "", kind = "", next = ""] = name.split(" ");
    await using stage = await Stage.open(variant);
    const found = await damaged(stage, { file, kind, next });
    this.calls += stage.calls;
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

interface Damage {
  file: string;
  kind: string;
  next: string;
}

async function damaged(stage: Stage, { file, kind, next }: Damage): Promise<string[]> {
  const resident = await addressesInside(stage);
  const red = addressesOf(JSON.parse((await stage.call("ADD")).stdout) as CniResult);
  const path = await pathOf(stage, file, { red: red[0]!, resident: resident[0]! });
  await stage.world.host.must(["sh", "-c", `f=${path}; ${DAMAGES[kind]}`]);
  const found = await judged(stage, next.slice("then-".length) as Action);
  // Another pod comes meanwhile: it may be refused, and gets no address that somebody has.
  const { outcome, complaints } = await timed(stage, "ADD", stage.blue);
  found.push(...complaints);
  const given = outcome.status === 0 ? addressesOf(JSON.parse(outcome.stdout) as CniResult) : [];
  const taken = [...resident, ...(next === "then-DEL" || next === "then-GC" ? [] : red)];
  found.push(...given.filter((each) => taken.includes(each)).map((each) => `${each} was given twice`));
  found.push(...(await stage.unreached()), ...stage.residentLost(stage.baseline, await stage.state()));
  // Once a person has taken away what is no file in its place, all goes and nothing is left.
  await stage.world.host.must([
    "sh",
    "-c",
    `f=${path}; [ -f "$f" ] || { [ -d "$f" ] && [ "$(basename $f)" = pods ]; } || rm -rf "$f"`,
  ]);
  for (const pod of [stage.red, stage.blue, stage.resident]) {
    const deleted = await timed(stage, "DEL", pod);
    found.push(...deleted.complaints);
  }
  await stage.call("GC");
  const { hostEnds, elements, podEnds } = await stage.state();
  const left = podEnds.plus(hostEnds, elements).lines;
  return [...found, ...left.map((line) => `left: ${line}`), ...(await devicesNotBack(stage, file))];
}

/**
 * Lines for devices that are not on the node as they were. What is not their name is known by the record
 * alone.
 */
async function devicesNotBack({ variant, devices, world }: Stage, file: string): Promise<string[]> {
  const now = (await variant.devices?.(world.host)) ?? new Map<string, string>();
  const isKnown = !/^record-|^all-records$/.test(file);
  return [...devices]
    .filter(([name, before]) => {
      const line = now.get(name) ?? "";
      return isKnown ? line !== before : line.endsWith("is away") || line.includes("pontoon-device");
    })
    .map(([name, before]) => `device ${name} was "${before}" and is "${now.get(name)}"`);
}

async function judged(stage: Stage, action: Action): Promise<string[]> {
  if (action === "ADD") return [];
  if (action === "restore") await stage.flush();
  const { complaints } = await timed(stage, action, stage.red);
  if (action === "restore") await stage.call("restore");
  return complaints;
}

/** A call that has to end in time, by itself, and with words that mean something. */
async function timed(
  stage: Stage,
  action: Action,
  pod: Stage["red"],
): Promise<{ outcome: Outcome; complaints: string[] }> {
  const start = performance.now();
  const outcome = await stage.call(action, pod);
  const took = performance.now() - start;
  const { status, stdout, stderr } = outcome;
  const complaints = took > LIMIT_MS ? [`${action} took ${Math.round(took / 1000)} s`] : [];
  if (status === undefined) complaints.push(`${action} ended by a signal: ${stdout}${stderr}`);
  if (/"code": 999,/.test(stdout)) complaints.push(stdout);
  return { outcome, complaints };
}

async function addressesInside(stage: Stage): Promise<string[]> {
  const text = await stage.resident.must("ip -o address show dev eth0 scope global");
  return [...text.matchAll(/inet6? ([0-9a-f.:]+)\//g)].map(([, address]) => address!);
}

async function pathOf(
  stage: Stage,
  file: string,
  addresses: { red: string; resident: string },
): Promise<string> {
  const leases = "/var/lib/cni/networks/pods";
  const records = "/var/lib/cni/pontoon";
  if (file.startsWith("lease-of-"))
    return `${leases}/${addresses[file.endsWith("red") ? "red" : "resident"]}`;
  if (file.startsWith("record-of-")) {
    const pod = file.endsWith("red") ? stage.red : stage.resident;
    return (
      await stage.world.host.must(["sh", "-c", `grep -l ${pod.containerId} ${records}/pods/*.json`])
    ).trim();
  }
  if (file === "boot-marker")
    return (await stage.world.host.must(["sh", "-c", `ls ${records}/pods/boot-*`])).trim();
  const fixed: Record<string, string> = {
    "lease-lock": `${leases}/lock`,
    hint: `${leases}/last_reserved_ip.0`,
    "node-lock": `${records}/.lock`,
    "all-leases": leases,
    "all-records": `${records}/pods`,
  };
  return fixed[file]!;
}
