// One promise, one world: a test that starts on a fresh host and shows the evidence when it fails.
import { test } from "vitest";
import { evidence } from "./evidence.ts";
import { SLOWNESS } from "./process.ts";
import { openWorld, type World } from "./world.ts";

/** A test in a world of its own. `limitMs` bounds the whole scene. */
export function scene(promise: string, play: (world: World) => Promise<void>, limitMs = 30_000): void {
  test(promise, { timeout: SLOWNESS * limitMs }, async () => {
    await using world = await openWorld();
    try {
      await play(world);
    } catch (error) {
      console.error(`Evidence for "${promise}":\n${await evidence(world)}`);
      throw error;
    }
  });
}
