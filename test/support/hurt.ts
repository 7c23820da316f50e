// Calls that are hurt at one moment, and whether that really happened: a call that nothing was done to proves
// nothing.
import { type PluginCall, plugin, type Verb } from "./cni.ts";
import { describe, type Outcome } from "./process.ts";
import { failingAt, killedAt, type Moment, TRACE } from "./strace.ts";
import type { World } from "./world.ts";

/**
 * True when the call died at that moment, false when it was over and had succeeded before. Throws when it
 * failed by itself.
 */
export async function dieAt(world: World, verb: Verb, call: PluginCall, moment: Moment): Promise<boolean> {
  const outcome = await plugin(world, verb, { ...call, through: killedAt(moment) });
  if (outcome.status === undefined || outcome.status === 0) return outcome.status === undefined;
  throw new Error(
    `Killed before ${moment.kind} ${moment.count}, or whole: nothing else was to be expected.\n${describe(outcome)}`,
  );
}

/**
 * A call in which one system call fails; `wasHurt` is false when it was over before. Throws when it failed
 * unhurt.
 */
export async function failAt(
  world: World,
  verb: Verb,
  call: PluginCall,
  moment: Moment,
  errno: string,
): Promise<{ outcome: Outcome; wasHurt: boolean }> {
  const outcome = await plugin(world, verb, { ...call, through: failingAt(moment, errno) });
  const wasHurt = world.read(TRACE).includes("(INJECTED)");
  if (!wasHurt && outcome.status !== 0)
    throw new Error(
      `The call failed, and not by ${errno} of ${moment.kind} ${moment.count}.\n${describe(outcome)}`,
    );
  return { outcome, wasHurt };
}
