// Every error number that makes sense, at every system call of every action, those that only look among them:
// once, and from that call on for as long as the action lasts.

import { addressesOf } from "../support/cni.ts";
import { complaintAbout, freedTooEarly } from "../support/complaint.ts";
import type { Outcome } from "../support/process.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { failingAt, failingFrom, TRACE } from "../support/strace.ts";
import { deliberateEnd } from "./deliberate.ts";
import { BEFORE_THE_PROGRAM, countsOf, momentsOf } from "./moment.ts";
import type { Bench, CaseList, Part } from "./part.ts";
import { type Action, Stage } from "./stage.ts";
import { actionsOf, VARIANT_NAMES, variantNamed } from "./variant.ts";

const ACTIONS = ["ADD", "DEL", "GC", "CHECK", "STATUS", "restore"] as const;

/** What each kind of system call may be refused with, by its manual page and by seccomp filters. */
const ERRORS: Record<string, string> = {
  sendto: "ENOMEM ENOBUFS EPERM EINTR",
  recvfrom: "ENOBUFS ENOMEM EINTR EAGAIN",
  openat: "EMFILE ENFILE ENOMEM EACCES EIO EINTR ENOSPC EROFS",
  close: "EIO EINTR",
  read: "EIO EINTR ENOMEM",
  write: "ENOSPC EIO EDQUOT EFBIG EINTR EPERM EROFS EPIPE",
  socket: "EMFILE ENFILE ENOBUFS ENOMEM EPERM EAFNOSUPPORT EPROTONOSUPPORT",
  setns: "EPERM ENOMEM EINVAL",
  setsockopt: "ENOMEM ENOPROTOOPT",
  getsockopt: "ENOPROTOOPT ENOMEM",
  bind: "EADDRINUSE ENOMEM EPERM",
  statx: "EACCES EIO ENOMEM ELOOP",
  getdents64: "EIO ENOMEM",
  flock: "ENOLCK EINTR",
  linkat: "EIO ENOSPC EPERM EXDEV EROFS",
  renameat2: "EIO ENOSPC EACCES EROFS",
  unlinkat: "EIO EACCES EBUSY EROFS",
  mkdirat: "ENOSPC EACCES EROFS EIO",
  ppoll: "EINTR ENOMEM",
  getrandom: "EINTR ENOSYS EAGAIN",
  mmap: "ENOMEM EPERM",
  mprotect: "ENOMEM",
  memfd_create: "EMFILE ENOMEM ENOSYS",
  clone: "EAGAIN ENOMEM",
  fork: "EAGAIN ENOMEM",
  wait4: "EINTR",
  fchmod: "EPERM EIO",
  prlimit64: "EPERM",
  lseek: "EINVAL",
  dup3: "EMFILE",
  pipe2: "EMFILE ENFILE",
  geteuid: "EPERM",
  ioctl: "ENOTTY EIO",
};

/** What says "try again" does not last. */
const PASSING = ["EINTR", "EAGAIN"];

/** Kinds that no error number is given to, and why. */
const LEFT_OUT: Record<string, string> = {
  munmap: "it is refused for wrong arguments alone",
  madvise: "a hint, whose answer nobody reads",
  rt_sigaction: "it is refused for wrong arguments alone",
  rt_sigprocmask: "it is refused for wrong arguments alone",
  clock_gettime: "it is refused for wrong arguments alone",
  nanosleep: "a pause that may be short",
  getpid: "it cannot fail",
  brk: "it gives an address, not an error number",
};

export const errors: Part = {
  name: "errors",
  promise:
    "Whatever system call fails, once or from then on, a call does without it or says so, and the next one makes all good.",
  cases,
  firstWord: "variant",
  open: async () => new ErrorBench(),
};

async function cases(): Promise<CaseList> {
  const names: string[] = [];
  const unknown = new Set<string>();
  for (const variant of VARIANT_NAMES)
    for (const [action, counts] of await countsOf(variant, actionsOf(variant, ACTIONS)))
      for (const { kind, count } of momentsOf(counts, (each) => !BEFORE_THE_PROGRAM.includes(each))) {
        if (ERRORS[kind] === undefined && LEFT_OUT[kind] === undefined) unknown.add(kind);
        for (const errno of errnosFor(variant, kind))
          for (const moment of PASSING.includes(errno) ? [`${count}`] : [`${count}`, `${count}+`])
            names.push(`${variant} ${action} ${kind} ${moment} ${errno}`);
      }
  if (unknown.size > 0) throw new Error(`No error numbers are known for ${[...unknown].join(", ")}.`);
  const leftOut = Object.entries(LEFT_OUT).map(([kind, why]) => `${kind} (${why})`);
  const closing = "close in the variants that start programs (strace's failing close leaves pipes open)";
  const nobody =
    "EINVAL of setns on wires (the other member's namespace is none then, so the free end names nobody)";
  return {
    names,
    leftOut: [closing, nobody, `${BEFORE_THE_PROGRAM.join(", ")} (before the program begins)`, ...leftOut],
  };
}

/**
 * A close that strace lets fail does not close; where programs are started, their pipes would wait for it.
 */
function errnosFor(variant: string, kind: string): string[] {
  if (kind === "close" && variantNamed(variant).startsPrograms) return [];
  const all = (ERRORS[kind] ?? "").split(" ").filter(Boolean);
  const namesNobody = kind === "setns" && /wire$/.test(variant);
  return all.filter((errno) => errno !== "EINVAL" || !namesNobody);
}

class ErrorBench implements Bench {
  readonly #stages = new Map<string, Stage>();

  get calls(): number {
    return [...this.#stages.values()].reduce((sum, { calls }) => sum + calls, 0);
  }

  async play(name: string): Promise<string[]> {
    const [variant = "", action = "", kind = "", count = "", errno = ""] = name.split(" ");
    const stage = this.#stages.get(variant) ?? (await Stage.open(variant));
    this.#stages.set(variant, stage);
    const lasts = count.endsWith("+");
    const moment = { kind, count: Number.parseInt(count, 10) };
    const through = lasts ? failingFrom(moment, errno) : failingAt(moment, errno);
    return hurt(stage, action as Action, { through, lasts, isMute: lasts && kind === "write" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stage of this.#stages.values()) await stage[Symbol.asyncDispose]();
  }
}

interface Hurt {
  /** The words in front of the command. */
  through: string[];
  /** True when all that comes later of that kind fails too, what takes back among it. */
  lasts: boolean;
  /** True when the call cannot say anything. */
  isMute: boolean;
}

async function hurt(stage: Stage, action: Action, { through, lasts, isMute }: Hurt): Promise<string[]> {
  await stage.prepare(action);
  const before = await stage.state();
  const outcome = await stage.call(action, stage.red, through);
  const trace = stage.world.read(TRACE);
  const end = deliberateEnd(outcome, trace);
  const found = isMute || end !== undefined ? [] : complaintsAbout(action, outcome, trace);
  // What lasts fails the rollback as well, and a death leaves no time for one.
  const isUndone = !lasts && end?.isDeath !== true;
  found.push(...(await traces(stage, action, { outcome, before, isUndone })));
  if (action === "restore") found.push(...failed("the next restore", await stage.call("restore")));
  if (action === "GC") found.push(...failed("the next GC", await stage.call("GC")));
  found.push(...failed("the next DEL", await stage.call("DEL")));
  return [...found, ...(await stage.remains())];
}

function complaintsAbout(action: Action, outcome: Outcome, trace: string): string[] {
  const { status, stdout, stderr } = outcome;
  if (status === 0) return [];
  if (!trace.includes("(INJECTED)")) return [`failed unhurt: ${stdout}${stderr}`];
  if (status === undefined) return [`ended by a signal: ${stdout}${stderr}`];
  if (action === "restore") return stderr === "" ? ["failed without a word"] : [];
  const complaint = complaintAbout(outcome);
  return complaint === undefined ? [] : [complaint];
}

/** What is wrong before anything makes it good. */
async function traces(
  stage: Stage,
  action: Action,
  { outcome, before, isUndone }: { outcome: Outcome; before: Snapshot; isUndone: boolean },
): Promise<string[]> {
  if (action === "DEL" || action === "GC") {
    const freed = await freedTooEarly(stage.world, addressesOf(stage.result!), stage.leaseFolder);
    return freed === undefined ? [] : [freed];
  }
  const changesNothing = action === "CHECK" || action === "STATUS";
  // A resident whose wire was lost may have its end again by then.
  const isTakenBack = action === "ADD" && outcome.status !== 0 && isUndone && !stage.variant.losesWire;
  if (!changesNothing && !isTakenBack) return [];
  const { lines } = (await stage.state()).minus(before);
  return lines.map((line) => `right after the failed ${action}: ${line}`);
}

function failed(what: string, { status, stdout, stderr }: Outcome): string[] {
  return status === 0 ? [] : [`${what} failed: ${stdout}${stderr}`];
}
