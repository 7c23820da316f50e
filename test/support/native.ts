// The native functions (src/sys/native.ts) for tests that run in process: the C library, called by Bun.
// Loaded before any module of src: by vitest.config.ts, and first of all by a program that a test starts with bun.
import { createHash } from "node:crypto";
import { dlopen, read } from "bun:ffi";
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import type { Native } from "../../src/sys/native.ts";

const { symbols: libc } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: "ptr" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  getdents64: { args: ["i32", "ptr", "u64"], returns: "i32" },
  getrandom: { args: ["ptr", "u64", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  link: { args: ["ptr", "ptr"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  mkdir: { args: ["ptr", "u32"], returns: "i32" },
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
  usleep: { args: ["u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i32" },
});

const CLOSE_ON_EXEC = 0o2000000;
const EINVAL = 22;
const errnoAddress = libc.__errno_location() ?? 0;
const result = (value: number): number => (value < 0 ? -read.i32(errnoAddress, 0) : value);
// Bun takes no empty array for a pointer.
const memory = (bytes: Uint8Array): Uint8Array => (bytes.length === 0 ? new Uint8Array(1) : bytes);

function withPaths(paths: string[], action: (...paths: Uint8Array[]) => number): number {
  return paths.some((path) => path.includes("\0")) ? -EINVAL : result(action(...paths.map((path) => Buffer.from(`${path}\0`))));
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const native: Native = {
  open: (path, flags, mode) => withPaths([path], (name) => libc.open(name ?? null, flags | CLOSE_ON_EXEC, mode)),
  close: (fd) => result(libc.close(fd)),
  read: (fd, buffer) => result(libc.read(fd, memory(buffer), buffer.length)),
  write: (fd, bytes) => result(libc.write(fd, memory(bytes), bytes.length)),
  link: (from, to) => withPaths([from, to], (one, other) => libc.link(one ?? null, other ?? null)),
  unlink: (path) => withPaths([path], (name) => libc.unlink(name ?? null)),
  rename: (from, to) => withPaths([from, to], (one, other) => libc.rename(one ?? null, other ?? null)),
  mkdir: (path, mode) => withPaths([path], (name) => libc.mkdir(name ?? null, mode)),
  statx: (directory, path, flags, mask, status) => (status.length < 256 ? -EINVAL : withPaths([path], (name) => libc.statx(directory, name ?? null, flags, mask, status))),
  getdents64: (fd, buffer) => result(libc.getdents64(fd, memory(buffer), buffer.length)),
  flock: (fd, operation) => result(libc.flock(fd, operation)),
  memfd_create: (name, flags) => withPaths([name], (text) => libc.memfd_create(text ?? null, flags | 1)),
  socket: (domain, type, protocol) => result(libc.socket(domain, type | CLOSE_ON_EXEC, protocol)),
  bind: (fd, address) => result(libc.bind(fd, memory(address), address.length)),
  send: (fd, bytes, flags) => result(libc.send(fd, memory(bytes), bytes.length, flags)),
  recv: (fd, buffer, flags) => result(libc.recv(fd, memory(buffer), buffer.length, flags)),
  poll: (fds, milliseconds) => result(libc.poll(memory(fds), Math.floor(fds.length / 8), milliseconds)),
  getsockopt: (fd, level, option, value) => {
    const length = Uint32Array.of(value.length);
    const code = result(libc.getsockopt(fd, level, option, memory(value), length));
    return code < 0 ? code : (length[0] ?? 0);
  },
  setsockopt: (fd, level, option, value) => result(libc.setsockopt(fd, level, option, memory(value), value.length)),
  setns: (fd, type) => result(libc.setns(fd, type)),
  getrandom: (buffer) => result(libc.getrandom(memory(buffer), buffer.length, 0)),
  usleep: (microseconds) => result(libc.usleep(microseconds)),
  clock_gettime: (clock) => (clock === 1 ? Bun.nanoseconds() / 1e6 : Date.now()),
  geteuid: () => process.geteuid?.() ?? -1,
  getenv: (name) => process.env[name],
  environment: () => Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
  argv: () => process.argv.slice(2),
  spawn: (file, args, environment, stdin, stdout, stderr) => {
    const env = Object.fromEntries(environment.map((variable) => [variable.slice(0, variable.indexOf("=")), variable.slice(variable.indexOf("=") + 1)]));
    const { status, signal, error } = spawnSync(file, args.slice(1), { argv0: args[0], env, stdio: [stdin, stdout, stderr] });
    if (error !== undefined) return -(constants.errno[(error as NodeJS.ErrnoException).code as keyof typeof constants.errno] ?? 5);
    return signal === null ? (status ?? 0) << 8 : constants.signals[signal];
  },
  abort: () => process.abort(),
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => decoder.decode(bytes),
  sha256: (text) => createHash("sha256").update(text).digest("hex"),
  sha512: (text) => createHash("sha512").update(text).digest("hex"),
};

Object.assign(globalThis, { native });
