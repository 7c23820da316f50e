// What the runtime wants to know about the machine is for programs that live long (docs/decisions/0002-start-time.md). A
// call of ours does without, and without the kernel's locks behind it.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";

const TRACE = "/run/world/questions";

scene("an ADD does not ask about control groups, memory and huge pages, nor reads itself ahead", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  const call = { network: pods, pod: await world.pod("red") };
  mustSucceed(await plugin(world, "ADD", { ...call, through: [toolPath("strace"), "-f", "-qq", "-o", TRACE, "-e", "trace=open,openat,access,madvise,exit_group"] }));
  const trace = (await world.host.exec(["cat", TRACE])).stdout;
  // The trace has seen the call's files to its end, so it would have seen the others.
  expect(trace).toMatch(/\/proc\/sys\/net\/ipv4\/ip_forward[^]*exit_group\(0\)/);
  expect(trace).not.toMatch(/statm|cgroup|overcommit|hugepage|mmap_min_addr|devices\/system\/node/);
  expect(trace).not.toMatch(/, 131072, MADV_WILLNEED/);
});
