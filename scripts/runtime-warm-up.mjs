// The engine of the runtime prepares for a long life: when its heap has 64 blocks it starts a thread that touches 32 more in
// advance (option useWarmUpMarkedBlocks), and the allocator a second one. A call of ours passes that mark and is over a few
// milliseconds later; until then the threads compete with it for the processor and the page tables. Measured: 1.5 to 2 ms of
// an ADD (docs/decisions/0002-start-time.md).
//
// The option can be set from the environment alone, which does not count here (runtime-environment.mjs). So its default is
// changed where the engine sets it: `mov byte [option], 1`, followed by the two numbers above as one eight-byte value.

// movabs rax, 32 | 64 << 32; mov [rip + ...], rax
const after = Buffer.from("48b82000000040000000488905", "hex");
// mov byte [rip + ...], 1
const before = { opcode: Buffer.from("c605", "hex"), length: 7, valueAt: 6 };

/** True when the warm-up can be switched off in a runtime for this processor. */
export const isWarmUpKnown = (arch) => arch === "x64";

/** Switches the warm-up off in `runtime`, the bytes of bun's executable. Throws when it is not the one this was made for. */
export function switchWarmUpOff(runtime) {
  const at = runtime.indexOf(after);
  const start = at - before.length;
  const isKnown = at !== -1 && runtime.indexOf(after, at + 1) === -1
    && runtime.subarray(start, start + 2).equals(before.opcode) && runtime[start + before.valueAt] === 1;
  if (!isKnown) throw new Error("the runtime does not set its warm-up option as expected: look at it again after a change of bun's version");
  runtime[start + before.valueAt] = 0;
}
