// SIGKILL before every system call that changes something, of every action, with every feature; then one of
// the things that may come next.
import { mustSucceed } from "../support/cni.ts";
import { killedAt, type Moment } from "../support/strace.ts";
import { countsOf, momentsOf } from "./moment.ts";
import type { Bench, CaseList, Part } from "./part.ts";
import { addsInNewBoot } from "./reboot.ts";
import { type Action, Stage } from "./stage.ts";
import { actionsOf, VARIANT_NAMES, variantNamed } from "./variant.ts";

const ACTIONS = ["ADD", "DEL", "GC", "restore"] as const;

/** What changes something: on the wire, in files, of locks, of the thread's namespace, other programs. */
const CHANGING =
  /^(sendto|write|mkdirat|linkat|renameat2|unlinkat|flock|openat|setns|clone|clone3|vfork|fork|fchmod|bind)$/;

const CONTINUATIONS = ["then-DEL", "then-ADD-DEL", "then-GC", "then-reboot", "then-namespace-gone"];

export const kills: Part = {
  name: "kills",
  promise: "A call that is killed at any moment leaves nothing that the next call does not make good.",
  cases,
  firstWord: "variant",
  open: async () => new KillBench(),
};

async function cases(): Promise<CaseList> {
  const names: string[] = [];
  for (const variant of VARIANT_NAMES)
    for (const [action, counts] of await countsOf(variant, actionsOf(variant, ACTIONS)))
      for (const { kind, count } of momentsOf(counts, (each) => CHANGING.test(each)))
        for (const next of continuationsOf(variant))
          names.push(`${variant} ${action} ${kind} ${count} ${next}`);
  return {
    names,
    leftOut: ["enabledad (each ADD waits for seconds)", "VLANs (this part's kernel may have none)"],
  };
}

function continuationsOf(variant: string): string[] {
  const { canLoseNamespace } = variantNamed(variant);
  return CONTINUATIONS.filter((next) => canLoseNamespace || next !== "then-namespace-gone");
}

class KillBench implements Bench {
  readonly #stages = new Map<string, Stage>();
  #earlier = 0;

  get calls(): number {
    return [...this.#stages.values()].reduce((sum, { calls }) => sum + calls, this.#earlier);
  }

  async play(name: string): Promise<string[]> {
    const [variant = "", action = "", kind = "", count = "", next = ""] = name.split(" ");
    const stage = this.#stages.get(variant) ?? (await Stage.open(variant));
    this.#stages.set(variant, stage);
    return killedThen(stage, action as Action, { kind, count: Number(count) }, next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stage of this.#stages.values()) await stage[Symbol.asyncDispose]();
  }
}

async function killedThen(stage: Stage, action: Action, moment: Moment, next: string): Promise<string[]> {
  await stage.prepare(action);
  const { status, stdout, stderr } = await stage.call(action, stage.red, killedAt(moment));
  // A call that was over before, as may be when it had less to do, is a whole call.
  if (status !== undefined && status !== 0) return [`not killed, and failed by itself: ${stdout}${stderr}`];
  const complaints = next === "then-reboot" ? await addsInNewBoot(stage) : await goOn(stage, next);
  // What a restore had not come to yet is put back by the next one.
  if (action === "restore") mustSucceed(await stage.call("restore"));
  if (next === "then-reboot") mustSucceed(await stage.call("DEL"));
  return [...complaints, ...(await stage.remains())];
}

async function goOn(stage: Stage, next: string): Promise<string[]> {
  if (next === "then-GC") return failure("GC", await stage.call("GC"));
  if (next === "then-DEL") return failure("DEL", await stage.call("DEL"));
  if (next === "then-namespace-gone") return replaced(stage);
  const again = await stage.call("ADD");
  // Code 121: the killed ADD had finished, or the killed DEL had not begun. Code 101: the killed DEL had
  // begun, so a DEL has to complete it first.
  const isThere = again.status !== 0 && /"code": (101|121),/.test(again.stdout);
  return [
    ...(isThere ? [] : failure("the same ADD", again)),
    ...failure("DEL after the same ADD", await stage.call("DEL")),
  ];
}

/** The pod's namespace dies, the runtime sends its DEL, and another pod comes and goes. */
function replaced(stage: Stage): Promise<string[]> {
  return stage.withoutRed(async () => [
    ...failure("DEL without a namespace", await stage.call("DEL")),
    ...failure("the ADD of another pod", await stage.call("ADD", stage.blue)),
    ...(await stage.unreached()),
    ...failure("the DEL of the other pod", await stage.call("DEL", stage.blue)),
  ]);
}

function failure(what: string, { status, stdout, stderr }: Awaited<ReturnType<Stage["call"]>>): string[] {
  return status === 0 ? [] : [`${what} failed: ${stdout}${stderr}`];
}
