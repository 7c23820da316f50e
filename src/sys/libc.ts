// The C library, called in process. This is the only user of Bun's foreign function interface.
//
// The module bun:ffi is a thin layer over Bun.FFI that costs 0.4 ms to load, a thirtieth of an ADD, so Bun.FFI is used
// itself (docs/decisions/0004-cold-code.md). The runtime is pinned and inside the executable, so it cannot change under us.
//
// Every call here is synchronous and passes plain numbers and buffers, so that nothing
// runs between a failing call and the reading of errno. A ssize_t comes back as i32: no buffer here
// is near 2 GiB, and a number is cheaper than a bigint.
import type { dlopen as Dlopen, read as Read } from "bun:ffi";

const { dlopen, read } = (Bun as unknown as { FFI: { dlopen: typeof Dlopen; read: typeof Read } }).FFI;

const library = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: "ptr" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  getrandom: { args: ["ptr", "u64", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  link: { args: ["ptr", "ptr"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  rename: { args: ["ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  unlink: { args: ["ptr"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i32" },
});

/** The functions of libc that Pontoon calls, under their C names. They return -1 on failure; ask {@link errno}. */
export const libc = library.symbols;

const openRare = () => dlopen("libc.so.6", {
  getdents64: { args: ["i32", "ptr", "u64"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  mkdir: { args: ["ptr", "u32"], returns: "i32" },
  usleep: { args: ["u32"], returns: "i32" },
}).symbols;

let rare: ReturnType<typeof openRare> | undefined;

/** More of them, which the ADD of a network's second pod does without: each function costs every start 8 microseconds. */
export function rareLibc(): ReturnType<typeof openRare> {
  rare ??= openRare();
  return rare;
}

const errnoAddress = libc.__errno_location() ?? 0;

/** The error number that the last failed libc call of this thread left. */
export function errno(): number {
  return read.i32(errnoAddress, 0);
}
