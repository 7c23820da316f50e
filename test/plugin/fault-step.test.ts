// One system call of a call fails, any one: a full disk, a refusing kernel. The call either does without it, or says
// so with a code that means something and takes back what it did.
import { expect } from "vitest";
import { type CniError, mustSucceed, plugin, type PluginCall } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, failingAt, type Moment } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

const ERRORS: Record<string, string> = { sendto: "ENOMEM", write: "ENOSPC", mkdir: "ENOSPC", link: "EIO", rename: "EIO", unlink: "EIO", flock: "ENOLCK" };

scene("an ADD in which one system call fails succeeds without it, or fails with a meaning and leaves nothing", async (world) => {
  const { call, baseline } = await stage(world);
  const wrong: Record<string, unknown> = {};
  await atEveryMoment(async (moment) => {
    const outcome = await failAt(world, "ADD", call, moment);
    if (outcome.status !== 0) {
      const complaint = complaintAbout(outcome) ?? added(baseline, await snapshot(world));
      if (complaint !== undefined) wrong[nameOf(moment)] = complaint;
    }
    mustSucceed(await plugin(world, "DEL", call));
    return happened(world);
  });
  expect(wrong).toEqual({});
}, 120_000);

scene("a DEL in which one system call fails may say so, and the next DEL completes it", async (world) => {
  const { call, baseline } = await stage(world);
  const wrong: Record<string, unknown> = {};
  await atEveryMoment(async (moment) => {
    mustSucceed(await plugin(world, "ADD", call));
    const outcome = await failAt(world, "DEL", call, moment);
    const wasHurt = happened(world);
    mustSucceed(await plugin(world, "DEL", call));
    const complaint = (outcome.status === 0 ? undefined : complaintAbout(outcome)) ?? added(baseline, await snapshot(world));
    if (complaint !== undefined) wrong[nameOf(moment)] = complaint;
    return wasHurt;
  });
  expect(wrong).toEqual({});
}, 120_000);

scene("a signal that interrupts any one system call does no harm: the call goes on", async (world) => {
  const { call } = await stage(world);
  const wrong: Record<string, string> = {};
  const interrupted = async (verb: "ADD" | "DEL", moment: Moment) => {
    const { status, stdout } = await plugin(world, verb, { ...call, through: failingAt(moment, "EINTR") });
    if (status !== 0) wrong[`${verb}: ${moment.kind} ${moment.count}`] = stdout;
    return happened(world);
  };
  await atEveryMoment(async (moment) => {
    const inAdd = await interrupted("ADD", moment);
    const inDel = await interrupted("DEL", moment);
    mustSucceed(await plugin(world, "DEL", call));
    return inAdd || inDel;
  }, ["sendto", "recvfrom", "poll", "flock"]);
  expect(wrong).toEqual({});
}, 120_000);

async function stage(world: World): Promise<{ call: PluginCall; baseline: string[] }> {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], macspoofchk: true, ingressPolicy: "isolated", ingressRate: 20_000_000, egressRate: 20_000_000 }));
  for (const program of ["iptables-nft", "ip6tables-nft"]) await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
  await warmUp(world, pods);
  const pod = await world.pod("red");
  return { call: { network: pods, pod }, baseline: await snapshot(world) };
}

async function failAt(world: World, verb: "ADD" | "DEL", call: PluginCall, moment: Moment): Promise<Outcome> {
  return plugin(world, verb, { ...call, through: failingAt(moment, ERRORS[moment.kind]!) });
}

/** strace's own report of the last run says whether the moment came. */
function happened(world: World): boolean {
  return world.read("/run/world/strace").includes("(INJECTED)");
}

/** What is wrong with a failure's words; undefined when they are as they should be. */
function complaintAbout({ stdout, stderr }: Outcome): string | undefined {
  // Where stdout itself is what failed, the error is on stderr.
  const text = stdout === "" ? stderr : stdout;
  try {
    const { code, msg } = JSON.parse(text) as CniError;
    return code === 999 || msg === "" ? text : undefined;
  } catch {
    return `no error object: ${text}`;
  }
}

function added(before: string[], after: string[]): string[] | undefined {
  const lines = changes(before, after).filter((line) => line.startsWith("+ "));
  return lines.length === 0 ? undefined : lines;
}

function nameOf({ kind, count }: Moment): string {
  return `${kind} ${count} failed with ${ERRORS[kind]}`;
}
