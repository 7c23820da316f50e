// CNI_NETNS that is no pod's namespace: ADD refuses before it has touched anything.
import { expect } from "vitest";
import { mustFail, plugin } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { World } from "../support/world.ts";

const CASES: { name: string; make: (world: World) => Promise<string> }[] = [
  { name: "is missing", make: async () => "/run/netns/nobody" },
  { name: "is a plain file", make: async (world) => made(world, "touch /run/netns/fake") },
  { name: "is a FIFO, which nobody writes to", make: async (world) => made(world, "mkfifo /run/netns/fifo") },
  { name: "is a folder", make: async (world) => made(world, "mkdir /run/netns/folder") },
  { name: "is a namespace of another kind", make: async () => "/proc/self/ns/uts" },
  { name: "is the host's own namespace", make: async (world) => world.hostNamespace },
];

for (const { name, make } of CASES) {
  scene(
    `ADD with a CNI_NETNS that ${name} fails with code 8 and leaves a fresh machine untouched`,
    async (world) => {
      const netns = await make(world);
      const before = await snapshot(world);
      const outcome = await plugin(world, "ADD", { network: network("pods"), containerId: "someone", netns });
      expect(mustFail(outcome).code).toBe(8);
      expect((await snapshot(world)).minus(before).lines).toEqual([]);
    },
  );
}

scene("the host's own namespace is told by its identity, whatever path leads to it", async (world) => {
  await world.host.must("touch /run/netns/host");
  await world.host.must(`mount --bind ${world.hostNamespace} /run/netns/host`);
  const outcome = await plugin(world, "ADD", {
    network: network("pods"),
    containerId: "someone",
    netns: "/run/netns/host",
  });
  const error = mustFail(outcome);
  expect(error.code).toBe(8);
  expect(error.msg).toBe("plugin's netns and netns from CNI_NETNS should not be the same");
});

/** Runs a command whose last word is the path it makes. */
async function made(world: World, command: string): Promise<string> {
  await world.host.must(command);
  return command.split(" ").at(-1)!;
}
