// The runtime inside the executable listens to its caller's environment: BUN_BE_BUN=1 turns any program made with it
// into the `bun` command line, BUN_OPTIONS adds flags, BUN_JSC_* with a word it does not know ends it, and so on. A
// container runtime hands its whole environment to a CNI plugin, so none of that may count here.
//
// There is no switch for it. What there is: the runtime asks for each variable by a name that stands once in its file.
// The first letter of that name becomes "=", which no variable's name can hold, so the question has no answer any more.
// docs/decisions/0001-runtime-environment.md tells which variables do what, and which ones stay.

// Asked for with getenv(): the name stands between two NUL bytes. This is everything the runtime asked for from start
// to end of a run (seen with a preloaded getenv), without locale, colour and the C library's own.
const names = [
  // other program, other flags, debugger, files written
  "BUN_BE_BUN",
  "BUN_OPTIONS",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_PRELOAD",
  "BUN_BYTECODE_DIGEST_OUT",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  // takes a file descriptor over as a channel to a parent process
  "NODE_CHANNEL_FD",
  // ends the program, or takes bun:ffi away
  "JSC_SIGNAL_FOR_GC",
  "JavaScriptCoreUseJIT",
  // changes how it runs
  "BUN_DESTRUCT_VM_ON_EXIT",
  "BUN_DISABLE_STOP_IF_NECESSARY_TIMER",
  "BUN_FEATURE_FLAG_DISABLE_ASYNC_TRANSPILER",
  "BUN_FEATURE_FLAG_DISABLE_EPOLL_PWAIT2",
  "BUN_FEATURE_FLAG_NO_ORPHANS",
  "BUN_GC_RUNS_UNTIL_SKIP_RELEASE_ACCESS",
  "BUN_GC_TIMER_DISABLE",
  "BUN_GC_TIMER_INTERVAL",
  "BUN_IDLE_GC_SECONDS",
  "BUN_THREADPOOL_STATS",
  "WTF_numberOfProcessorCores",
  "HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET",
];

// The runtime for x86-64 alone. It asks for the first one to choose code for the processor. The other two are compared
// inside instructions: the prefix BUN_JSC_ letter by letter while walking the environment, and the prefix mimalloc_ (in
// any case) as one eight-byte value.
const onX64 = [
  literal("SIMDUTF_FORCE_IMPLEMENTATION"),
  {
    name: "BUN_JSC_*",
    find: Buffer.from("41803e4275e541807e015575de41807e024e75d741807e035f75d041807e044a", "hex"),
    letterAt: 3,
  },
  { name: "MIMALLOC_*", find: Buffer.concat([Buffer.from("49bd", "hex"), Buffer.from("mimalloc")]), letterAt: 2 },
];

/** What the runtime goes on listening to, by the processor it is for. */
export const heardStill = { x64: [], arm64: ["BUN_JSC_*", "MIMALLOC_*"] };

/** Changes `runtime`, the bytes of bun's executable, in place. Throws when it is not the one this list was made for. */
export function muteEnvironment(runtime, arch) {
  for (const { name, find, letterAt } of [...names.map(literal), ...(arch === "x64" ? onX64 : [])]) {
    const at = runtime.indexOf(find);
    if (at === -1 || runtime.indexOf(find, at + 1) !== -1) {
      const count = at === -1 ? "not at all" : "more than once";
      throw new Error(`the runtime has the name ${name} ${count}, once was expected: look at it again after a change of bun's version`);
    }
    runtime.write("=", at + letterAt, "latin1");
  }
}

function literal(name) {
  return { name, find: Buffer.from(`\0${name}\0`), letterAt: 1 };
}
