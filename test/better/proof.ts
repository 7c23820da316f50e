// A defect of the reference plugins as a test: the same scene is played with both, on fresh nodes. Ours has
// to end as it should, and the reference as it does; should a newer one end well, the test says so and can
// become an ordinary one.
import { expect, test } from "vitest";
import { type Call, call } from "../differential/call.ts";
import type { Plugin, Row } from "../differential/row.ts";
import { type Stage, setStage, settle } from "../differential/stage.ts";
import type { CniResult, Verb } from "../support/cni.ts";
import { describe, type Outcome } from "../support/process.ts";
import type { Pod } from "../support/world.ts";

export interface Proof<T> {
  /** Run on the node before all else. */
  node?: string[];
  /** The netconf, as a row of the differential test has it. */
  row?: Omit<Row, "name">;
  /** What happens; gives what is to be seen of it. */
  play: (side: Side) => Promise<T>;
  /** What is seen with ours, and what with the reference. */
  good: T;
  bad: T;
}

type Wishes = Partial<Omit<Call, "row" | "plugin">> & { row?: Omit<Row, "name"> };

/** One of the two plugins, on its node. */
export interface Side extends Stage {
  plugin: Plugin;
  /** A call, for pod red and with the proof's netconf unless others are named. */
  call(verb: Verb, wishes?: Wishes): Promise<Outcome>;
  /** An ADD that has to succeed. */
  add(pod: Pod, wishes?: Wishes): Promise<CniResult>;
  /** A DEL that has to succeed. */
  del(pod: Pod, wishes?: Wishes): Promise<void>;
  /** Waits until the node's own addresses are in use. */
  settle(): Promise<void>;
}

/** A test of that promise, which starts with the number of the defect that it is about. */
export function proof<T>(promise: string, scene: Proof<T>): void {
  test.concurrent(promise, { timeout: 60_000 }, async () => {
    const [ours, reference] = await Promise.all([seenWith("ours", scene), seenWith("reference", scene)]);
    expect(ours, "with ours").toEqual(scene.good);
    expect(scene.good, "what is wanted is what the reference does").not.toEqual(scene.bad);
    expect(reference, "with the reference").toEqual(scene.bad);
  });
}

/** "done" or "refused". */
export function endOf({ status }: Outcome): string {
  return status === 0 ? "done" : "refused";
}

/** True when the first ping is answered. */
export async function pings(from: { exec: Pod["exec"] }, address: string, more = ""): Promise<boolean> {
  return (await from.exec(`ping -n -c 1 -W 1 ${more}${address}`)).status === 0;
}

async function seenWith<T>(plugin: Plugin, { node = [], row = {}, play }: Proof<T>): Promise<T> {
  await using stage = await setStage(node);
  const side: Side = {
    ...stage,
    plugin,
    call: (verb, { row: otherRow = row, ...wishes } = {}) =>
      call(stage.world, verb, {
        row: { name: "", ...otherRow },
        plugin,
        pod: stage.red,
        isFirst: true,
        ...wishes,
      }),
    add: async (pod, wishes) =>
      JSON.parse(mustSucceed(await side.call("ADD", { pod, ...wishes })).stdout) as CniResult,
    del: async (pod, wishes) => void mustSucceed(await side.call("DEL", { pod, ...wishes })),
    settle: () => settle(stage.world),
  };
  try {
    return await play(side);
  } catch (error) {
    console.error(`What was called with ${plugin}:\n${stage.world.diary.join("\n")}`);
    throw error;
  }
}

function mustSucceed(outcome: Outcome): Outcome {
  if (outcome.status !== 0) throw new Error(`The call should have succeeded.\n${describe(outcome)}`);
  return outcome;
}
