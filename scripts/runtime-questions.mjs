// When it starts, the runtime asks the kernel about the machine: how much memory its control group may use, how large it has
// become, whether there are huge pages, which memory nodes there are. All that is for programs that live long. For one that
// lives for milliseconds the questions are a part of the cost (docs/decisions/0002-start-time.md), and some take locks that
// a hundred calls at once would wait for.
//
// There is no switch for it. The runtime asks for each file by a name that stands in its own file; the first letter
// becomes NUL, so the name is empty, the kernel says ENOENT at once, and the runtime goes on as it does where the file is missing.

const files = [
  // how large the process is, asked for when a hundred blocks of memory have been handed out: more than an ADD needs
  { name: "/proc/self/statm\0", times: 1 },
  // the control group, for its limits of processors and memory; once in C, once in Rust
  { name: "/proc/self/cgroup", times: 2 },
  { name: "/proc/sys/vm/overcommit_memory\0", times: 1 },
  { name: "/proc/sys/vm/mmap_min_addr\0", times: 1 },
  { name: "/sys/kernel/mm/transparent_hugepage/enabled\0", times: 1 },
  { name: "/sys/devices/system/node/node%u\0", times: 1 },
];

// The program inside the executable is read ahead of its use, in one call for each 128 kB, unless this variable is set. The
// pages are in memory but at the first call after a boot, where it makes no difference. So the runtime gets the name of a variable
// that is set whenever a container runtime calls.
const readAhead = { name: "BUN_FEATURE_FLAG_DISABLE_STANDALONE_MADVISE", becomes: "CNI_COMMAND" };

/** Takes those questions out of `runtime`, the bytes of bun's executable. Throws when it is not the one this list was made for. */
export function muteQuestions(runtime) {
  for (const { name, times } of files) {
    for (const at of placesOf(runtime, name, times)) runtime[at] = 0;
  }
  const [at] = placesOf(runtime, `\0${readAhead.name}\0`, 1);
  runtime.write(`${readAhead.becomes}\0`, at + 1, "latin1");
}

function placesOf(runtime, text, times) {
  const places = [];
  for (let at = runtime.indexOf(text); at !== -1; at = runtime.indexOf(text, at + 1)) places.push(at);
  if (places.length !== times) {
    throw new Error(`the runtime has ${JSON.stringify(text)} ${places.length} times, ${times} was expected: look at it again after a change of bun's version`);
  }
  return places;
}
