// The native functions of the engine, called in the engine itself with whatever a script can hand over.
import { type Program, program } from "../support/engine.ts";
import { openWorld, type World } from "../support/world.ts";
import { endAllIn } from "./end.ts";
import type { Bench, Part } from "./part.ts";
import { READ_ONLY } from "./read-only.ts";

/** How many calls there are in one case. */
const CALLS = 20_000;

export const fuzzNative: Part = {
  name: "fuzz-native",
  promise: "Whatever a native function is called with, it gives a value or throws, and the process lives.",
  open: async () => NativeBench.open(),
};

class NativeBench implements Bench {
  calls = 0;
  readonly #world: World;
  readonly #program: Program;

  static async open(): Promise<NativeBench> {
    const made = await program("native-fuzz.ts");
    const world = await openWorld();
    // A name that leads to a file of the machine changes nothing.
    await world.host.must(["sh", "-c", READ_ONLY]);
    return new NativeBench(world, made);
  }

  private constructor(world: World, made: Program) {
    this.#world = world;
    this.#program = made;
  }

  async play(name: string): Promise<string[]> {
    const command = [this.#program.path, String((Number(name) | 1) >>> 0), String(CALLS)];
    const { status, stdout, stderr } = await this.#world.host.exec(command, { timeoutMs: 100_000 });
    this.calls += CALLS;
    if (status === 0 && stdout.endsWith(" functions\n")) return [];
    return [`exit status ${status}: ${stdout.slice(-500)}${stderr.slice(-2000)}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program[Symbol.dispose]();
    await endAllIn(this.#world);
    await this.#world[Symbol.asyncDispose]();
  }
}
