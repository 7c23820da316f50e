// The functions that are not JavaScript: system calls under their C names, hashes, UTF-8, the process. The
// executable's engine has them as the global object `native` (engine/host), Node as an add-on.
//
// A call that can fail gives `-errno`; no error number is kept anywhere. A path is a text, and EINVAL with a
// NUL inside. Every descriptor is close-on-exec. An argument of the wrong type is a TypeError. While the
// executable is built, only the last seven may be called.

/** A program and its descriptors 0, 1 and 2. */
type Program = [
  file: string,
  args: readonly string[],
  environment: readonly string[],
  stdin: number,
  stdout: number,
  stderr: number,
];

/** The global object `native`. Numbers are integers unless said otherwise. */
export interface Native {
  /** open(2), with O_CLOEXEC. */
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  /** read(2) into all of `buffer`; gives how many bytes came. */
  read(fd: number, buffer: Uint8Array): number;
  /**
   * The text of a file: open(2) with `flags`, read(2) until a read gives less than was asked for, close(2).
   * More than `most` bytes are EFBIG. Unless `status` is empty, it gets the struct statx of what was opened.
   */
  read_text(path: string, flags: number, most: number, status: Uint8Array): string | number;
  /** write(2). A reader that is gone is EPIPE, a limit on the size of files EFBIG; neither is a signal. */
  write(fd: number, bytes: Uint8Array): number;
  link(from: string, to: string): number;
  /** symlink(2): `path` becomes a link whose text is `target`. */
  symlink(target: string, path: string): number;
  /** readlink(2) into `buffer`, without a final zero; gives the length of the text, or of its part. */
  readlink(path: string, buffer: Uint8Array): number;
  unlink(path: string): number;
  rename(from: string, to: string): number;
  /** fsync(2): the file's content, or the folder's names, are on the disk. */
  fsync(fd: number): number;
  /** fchmod(2): exactly these bits, whatever the umask. */
  fchmod(fd: number, mode: number): number;
  mkdir(path: string, mode: number): number;
  /** statx(2) into `status`, a struct statx; EINVAL when that is less than 256 bytes. */
  statx(directory: number, path: string, flags: number, mask: number, status: Uint8Array): number;
  /** getdents64(2): gives how many bytes of `buffer` hold entries. */
  getdents64(fd: number, buffer: Uint8Array): number;
  flock(fd: number, operation: number): number;
  /** memfd_create(2), with MFD_CLOEXEC. */
  memfd_create(name: string, flags: number): number;
  /** socket(2), with SOCK_CLOEXEC. */
  socket(domain: number, type: number, protocol: number): number;
  /** bind(2) to `address`, a struct sockaddr. */
  bind(fd: number, address: Uint8Array): number;
  /** connect(2) to `address`, a struct sockaddr. */
  connect(fd: number, address: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** accept4(2), with SOCK_CLOEXEC; gives the new descriptor. */
  accept(fd: number): number;
  send(fd: number, bytes: Uint8Array, flags: number): number;
  recv(fd: number, buffer: Uint8Array, flags: number): number;
  /** poll(2): `fds` is a list of struct pollfd; below zero, `milliseconds` has no end. */
  poll(fds: Uint8Array, milliseconds: number): number;
  /** Blocks the signal, and gives a descriptor that can be read once it has come (signalfd(2)). */
  signalfd(signal: number): number;
  /** getsockopt(2): gives how many bytes of `value` the kernel filled. */
  getsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  /** mount(2) without data: a bind mount, or a file system that needs none. */
  mount(source: string, target: string, kind: string, flags: number): number;
  /** umount2(2). */
  umount(target: string, flags: number): number;
  /**
   * TIOCGWINSZ (asm-generic/ioctls.h): the columns of the terminal `fd`, 0 where it does not know; ENOTTY.
   */
  terminal_columns(fd: number): number;
  /** getrandom(2) into all of `buffer`, at most 256 bytes. */
  getrandom(buffer: Uint8Array): number;
  usleep(microseconds: number): number;
  /**
   * clock_gettime(2) in milliseconds with a fraction: clock 0 counts since 1970 (UTC), clock 1 since the
   * machine started.
   */
  clock_gettime(clock: number): number;
  geteuid(): number;
  /**
   * A variable of the process's environment. Bytes that are no UTF-8 become replacement characters, here and
   * below.
   */
  getenv(name: string): string | undefined;
  /** The whole environment, as `NAME=value`. */
  environment(): string[];
  /** The arguments of the process without its name. */
  argv(): string[];
  /** The name by which the process was started, often with a path: its first argument, or an empty text. */
  program_name(): string;
  /**
   * Runs a program to its end: its arguments with its name, its whole environment as `NAME=value`, and three
   * open descriptors, from 3 on, that become its standard input, output and error. Gives the wait status of
   * wait(2), or `-errno` when it could not be started.
   */
  spawn(...program: Program): number;
  /**
   * Starts a program as `spawn` does, as the leader of a process group of its own. Gives its process id; a
   * call of `wait` has to follow.
   */
  launch(...program: Program): number;
  /** pidfd_open(2): a descriptor that can be read once the process has ended. */
  pidfd_open(process: number): number;
  /**
   * kill(2) with SIGKILL of all processes of the group that `leader` leads; EINVAL for what is no process id
   * above 1.
   */
  kill_group(leader: number): number;
  /** Waits for the end of a child, and gives its wait status (wait(2)). */
  wait(child: number): number;
  /** Says `words` on stderr, where that is open, and ends the process at once, as abort(3). */
  abort(words: string): never;

  /** A text as UTF-8 (Encoding Standard): half of a surrogate pair becomes U+FFFD. */
  encode(text: string): Uint8Array;
  /**
   * The text of UTF-8 bytes (Encoding Standard); a byte order mark is kept, bytes that are no UTF-8 become
   * U+FFFD.
   */
  decode(bytes: Uint8Array): string;
  /** 1 for a text that is printable ASCII from its begin to its end, else 0. */
  is_printable(text: string): number;
  /**
   * The places of netlink attributes (struct nlattr, linux/netlink.h) between two places in `bytes`, both
   * multiples of four and below 2^18. For each type below 128, without its flags, there are two bytes with
   * the number of the word in which its value begins, the lower byte first; 0 where there is none. The last
   * of a type counts.
   */
  attribute_places(bytes: Uint8Array, start: number, end: number): Uint8Array;
  /** The names in what getdents64 wrote, without `.` and `..`. */
  entry_names(entries: Uint8Array): string[];
  /** SHA-256 of a text as UTF-8, in 64 hexadecimal digits (FIPS 180-4). */
  sha256(text: string): string;
  /** SHA-512, in 128 digits. */
  sha512(text: string): string;
}

export const { native } = globalThis as unknown as { native: Native };
