// Hosts and processes that have too little: room on the disk, inodes, descriptors, address space, size of
// files, capabilities, and folders that nobody may write to.
import { complaintAbout } from "../support/complaint.ts";
import type { Outcome } from "../support/process.ts";
import { toolPath } from "../support/tool.ts";
import { PLUGIN_FOLDER } from "../support/world.ts";
import { deliberateEnd } from "./deliberate.ts";
import type { Bench, CaseList, Part } from "./part.ts";
import { type Action, Stage } from "./stage.ts";
import { actionsOf, VARIANT_NAMES } from "./variant.ts";

const ACTIONS = ["ADD", "DEL", "GC", "CHECK", "STATUS", "restore"] as const;

const upTo = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => first + at * step);

/** Each kind of limit with its values; a value is one word of a case's name. */
const LIMITS: Record<string, (number | string)[]> = {
  disk: upTo(0, 6),
  inodes: upTo(0, 8),
  descriptors: upTo(3, 26),
  // In MB beyond the least with which the kernel starts the program.
  memory: ["+0.1", "+0.3", ...upTo(1, 10).map((half) => `+${(half / 2).toFixed(1)}`)],
  "file-size": [0, 1, 100, 400, 1000, 2000],
  capability: [
    "net_admin",
    "sys_admin",
    "net_raw",
    "dac_override",
    "dac_read_search",
    "net_bind_service",
    "all",
  ],
  "read-only": ["/var/lib/cni", "/var/lib/cni/networks", "/var/lib/cni/pontoon", "/proc/sys", "/run"],
};

export const limits: Part = {
  name: "limits",
  promise: "A call that lacks something says so, and when it is there again the next call makes all good.",
  cases,
  firstWord: "variant",
  open: async () => new LimitBench(),
};

/** The folder that the variant with a foreign IPAM plugin does not have. */
const NOT_THERE = /^foreign .* read-only \/var\/lib\/cni\/networks$/;

async function cases(): Promise<CaseList> {
  const names = VARIANT_NAMES.flatMap((variant) =>
    actionsOf(variant, ACTIONS).flatMap((action) =>
      Object.entries(LIMITS).flatMap(([limit, values]) =>
        values.map((value) => `${variant} ${action} ${limit} ${value}`),
      ),
    ),
  ).filter((name) => !NOT_THERE.test(name));
  return {
    names,
    leftOut: ["less address space than that with which the kernel starts the program (README)"],
  };
}

class LimitBench implements Bench {
  readonly #stages = new Map<string, Stage>();

  get calls(): number {
    return [...this.#stages.values()].reduce((sum, { calls }) => sum + calls, 0);
  }

  async play(name: string): Promise<string[]> {
    const [variant = "", action = "", limit = "", value = ""] = name.split(" ");
    const stage = this.#stages.get(variant) ?? (await Stage.open(variant));
    this.#stages.set(variant, stage);
    await stage.prepare(action as Action);
    const outcome = await limited(stage, action as Action, { limit, value });
    const found = complaints(action as Action, outcome);
    if (action === "restore") found.push(...failed("the next restore", await stage.call("restore")));
    if (action === "GC") found.push(...failed("the next GC", await stage.call("GC")));
    found.push(...failed("the next DEL", await stage.call("DEL")));
    return [...found, ...(await stage.remains())];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stage of this.#stages.values()) await stage[Symbol.asyncDispose]();
  }
}

interface Limit {
  limit: string;
  value: string;
}

async function limited(stage: Stage, action: Action, { limit, value }: Limit): Promise<Outcome> {
  const { host } = stage.world;
  if (limit === "disk" || limit === "inodes") {
    await fill(
      stage,
      limit === "disk"
        ? `size=${await used(stage, "%k", Number(value))}k`
        : `nr_inodes=${await used(stage, "", Number(value))}`,
    );
    const outcome = await stage.call(action);
    await host.must("mount -o remount,size=50%,nr_inodes=100000 /var/lib/cni");
    return outcome;
  }
  if (limit === "read-only") {
    await host.must(`mount --bind ${value} ${value}`);
    await host.must(`mount -o remount,bind,ro ${value}`);
    const outcome = await stage.call(action);
    await host.must(`umount ${value}`);
    return outcome;
  }
  if (limit === "memory") {
    const most = (await leastMemory(stage)) + Number(value) * 1e6;
    return stage.call(action, stage.red, [toolPath("prlimit"), `--as=${Math.round(most)}`]);
  }
  return stage.call(action, stage.red, throughOf({ limit, value }));
}

let least: Promise<number> | undefined;

/** The address space with which the kernel starts the program, in bytes, to 50 kB. */
function leastMemory({ world: { host } }: Stage): Promise<number> {
  const starts = async (bytes: number): Promise<boolean> => {
    const command = [toolPath("prlimit"), `--as=${bytes}`, `${PLUGIN_FOLDER}/pontoon`, "--version"];
    return (await host.exec(command)).status === 0;
  };
  least ??= (async () => {
    for (let bytes = 3_000_000; bytes < 20_000_000; bytes += 50_000) if (await starts(bytes)) return bytes;
    throw new Error("The program does not start with 20 MB of address space.");
  })();
  return least;
}

/** Leaves so much room in the folder of all state, in pages or inodes, beyond what is used. */
async function fill(stage: Stage, option: string): Promise<void> {
  await stage.world.host.must(`mount -o remount,${option} /var/lib/cni`);
}

async function used(stage: Stage, kind: string, more: number): Promise<number> {
  const column = kind === "" ? "iused" : "used";
  const text = await stage.world.host.must(
    `df --output=${column} ${kind === "" ? "" : "-k "}/var/lib/cni`.replaceAll("  ", " "),
  );
  const now = Number(text.trim().split("\n").at(-1));
  // A limit of zero is none.
  return Math.max(1, now + (kind === "" ? more : 4 * more));
}

function throughOf({ limit, value }: Limit): string[] {
  if (limit === "descriptors") return [toolPath("prlimit"), `--nofile=${value}`];
  if (limit === "file-size") return [toolPath("prlimit"), `--fsize=${value}`];
  return [toolPath("setpriv"), value === "all" ? "--bounding-set=-all" : `--bounding-set=-${value}`];
}

function complaints(action: Action, outcome: Outcome): string[] {
  const { status, stdout, stderr } = outcome;
  if (status === 0 || deliberateEnd(outcome) !== undefined) return [];
  if (status === undefined) return [`ended by a signal: ${stdout}${stderr}`];
  if (action === "restore") return stderr === "" ? ["failed without a word"] : [];
  const complaint = complaintAbout(outcome);
  return complaint === undefined ? [] : [complaint];
}

function failed(what: string, { status, stdout, stderr }: Outcome): string[] {
  return status === 0 ? [] : [`${what} failed: ${stdout}${stderr}`];
}
