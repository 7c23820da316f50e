// A reboot: the disk keeps its files, and everything else is new, the boot's own name and the host's
// namespace among it.
import { randomUUID } from "node:crypto";
import { addressesOf, type CniResult, plugin } from "../support/cni.ts";
import type { World } from "../support/world.ts";
import { Stage } from "./stage.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** What a host looks like after a reboot, an ADD and a DEL, when nothing had been hurt before. */
const wanted = new Map<string, Promise<string[]>>();

/**
 * Plays the reboot of a stage's host, and the ADD, CHECK and DEL of another pod there. Gives a line for each
 * thing that is not as after the reboot of a host that nothing had happened to.
 */
export async function addsInNewBoot(stage: Stage): Promise<string[]> {
  const { lines, complaints } = await reboot(stage.name, stage.world);
  const right = await (wanted.get(stage.name) ?? remember(stage.name));
  const missing = right.filter((line) => !lines.includes(line)).map((line) => `after the reboot: - ${line}`);
  const extra = lines.filter((line) => !right.includes(line)).map((line) => `after the reboot: + ${line}`);
  return [...complaints, ...missing, ...extra];
}

function remember(variant: string): Promise<string[]> {
  const promise = (async () => {
    await using stage = await Stage.open(variant);
    return (await reboot(variant, stage.world)).lines;
  })();
  wanted.set(variant, promise);
  return promise;
}

async function reboot(variant: string, before: World): Promise<{ lines: string[]; complaints: string[] }> {
  await using stage = await Stage.openEmpty(variant);
  const { world } = stage;
  await copyDisk(before, world);
  world.write("/run/world/boot_id", `${randomUUID()}\n`);
  await world.host.must(`mount --bind /run/world/boot_id ${BOOT_ID}`);
  const complaints: string[] = [];
  const added = await stage.call("ADD", stage.blue);
  if (added.status !== 0) complaints.push(`after the reboot: ADD failed: ${added.stdout}`);
  else if (addressesOf(JSON.parse(added.stdout) as CniResult).length !== 2)
    complaints.push("after the reboot: the pod has not both addresses");
  const deleted = await stage.call("DEL", stage.blue);
  if (deleted.status !== 0) complaints.push(`after the reboot: DEL failed: ${deleted.stdout}`);
  // Another IPAM plugin has to hear of each attachment, so these are not swept by an ADD.
  if (variant === "foreign") complaints.push(...(await collected(stage)));
  const state = await stage.state();
  return { lines: state.lines.map(withoutNames), complaints };
}

async function collected(stage: Stage): Promise<string[]> {
  const more = { "cni.dev/valid-attachments": [] };
  const { status, stdout } = await plugin(stage.world, "GC", { network: stage.network, more });
  return status === 0 ? [] : [`after the reboot: GC failed: ${stdout}`];
}

/** The folders that a disk keeps. */
async function copyDisk(from: World, to: World): Promise<void> {
  await to.host.must(["cp", "-a", `${from.outside("/var/lib/cni")}/.`, "/var/lib/cni"]);
}

/** Markers are named by the boot, and each bridge has a MAC of its own. */
function withoutNames(line: string): string {
  return line.replace(/boot-[0-9a-f]+$/, "boot-HASH").replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, "MAC");
}
