// The native functions (src/sys/native.ts), as the executable's engine has them.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Program, program } from "../support/engine.ts";
import { run } from "../support/process.ts";
import { SYSTEM_PATH } from "../support/tool.ts";
import type { Argument, Call, Results } from "./program/calls.ts";

const [ENOENT, ESRCH, ENOEXEC, EBADF, ECHILD, EEXIST, EISDIR, EINVAL, EFBIG, ENAMETOOLONG] = [
  2, 3, 8, 9, 10, 17, 21, 22, 27, 36,
];
const [O_WRONLY, O_CREAT, O_DIRECTORY] = [1, 0o100, 0o200000];
const HERE = -100;

let made: Program;
let folder: string;
const at = (name: string): string => join(folder, name);
const bytes = (text: string): Argument => ({ bytes: [...Buffer.from(text)] });
const result = (call: number): Argument => ({ result: call });
const text = (list: number[] | undefined, length?: number): string =>
  Buffer.from(list ?? [])
    .subarray(0, length)
    .toString();

beforeAll(async () => {
  made = await program("calls.ts");
});
afterAll(() => made[Symbol.dispose]());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "native-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

async function calls(
  list: Call[],
  {
    env = {},
    args = [],
    through = [],
  }: { env?: Record<string, string>; args?: string[]; through?: string[] } = {},
): Promise<Results> {
  const { stdout, status, stderr } = await run([...through, made.path, ...args], {
    stdin: JSON.stringify(list),
    env,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout) as Results;
}

test("a file is made, written, linked, renamed, read and removed, and each refusal is -errno", async () => {
  const { results, buffers } = await calls([
    ["open", at("größe"), O_WRONLY | O_CREAT, 0o640],
    ["write", result(0), bytes("the text")],
    ["close", result(0)],
    ["close", result(0)],
    ["link", at("größe"), at("b")],
    ["link", at("größe"), at("b")],
    ["rename", at("b"), at("c")],
    ["open", at("c"), 0, 0],
    ["read", result(7), { buffer: "text", size: 20 }],
    ["read", result(7), { buffer: "text", size: 20 }],
    ["unlink", at("c")],
    ["unlink", at("c")],
    ["open", `${at("größe")}\0.json`, 0, 0],
    ["open", at("x".repeat(300)), 0, 0],
    ["mkdir", at("d"), 0o750],
    ["mkdir", at("d"), 0o750],
  ]);
  expect(results.slice(1, 7)).toEqual([8, 0, -EBADF, 0, -EEXIST, 0]);
  expect(results.slice(8)).toEqual([8, 0, 0, -ENOENT, -EINVAL, -ENAMETOOLONG, 0, -EEXIST]);
  expect(text(buffers["text"], 8)).toBe("the text");
  expect([readFileSync(at("größe"), "utf8"), existsSync(at("c")), statSync(at("d")).isDirectory()]).toEqual([
    "the text",
    false,
    true,
  ]);
});

test("a file gets exactly the bits that are asked for, and file and folder are written to the disk", async () => {
  const { results } = await calls(
    [
      ["open", at("file"), O_WRONLY | O_CREAT, 0o777],
      ["fchmod", result(0), 0o755],
      ["fsync", result(0)],
      ["open", folder, O_DIRECTORY, 0],
      ["fsync", result(3)],
      ["fsync", -1],
      ["fchmod", -1, 0o755],
    ],
    { through: ["/bin/sh", "-c", 'umask 077; exec "$0" "$@"'] },
  );
  expect([...results.slice(1, 3), ...results.slice(4)]).toEqual([0, 0, 0, -EBADF, -EBADF]);
  expect(statSync(at("file")).mode & 0o777).toBe(0o755);
});

test("a file's status and a folder's entries are the kernel's", async () => {
  writeFileSync(at("file"), "12345");
  symlinkSync("nowhere", at("link"));
  const { results, buffers } = await calls([
    ["statx", HERE, at("file"), 0, 0x7ff, { buffer: "status", size: 256 }],
    ["statx", HERE, at("link"), 0, 0x7ff, { buffer: "status", size: 256 }],
    ["statx", HERE, at("file"), 0, 0x7ff, { buffer: "small", size: 100 }],
    ["open", folder, O_DIRECTORY, 0],
    ["getdents64", result(3), { buffer: "entries", size: 4096 }],
  ]);
  expect(results.slice(0, 3)).toEqual([0, -ENOENT, -EINVAL]);
  expect(Buffer.from(buffers["status"] ?? []).readUInt32LE(40)).toBe(5);
  expect(text(buffers["entries"], results[4] as number)).toMatch(/(file|link)\0[^]*(file|link)\0/);
});

test("a file is read as text with its status, and each refusal is -errno", async () => {
  writeFileSync(at("file"), "größe \xff");
  writeFileSync(at("odd"), Buffer.of(0x61, 0xff, 0x62));
  writeFileSync(at("large"), "x".repeat(50_000));
  const status = { buffer: "status", size: 256 };
  const none = { bytes: [] };
  const { results, buffers } = await calls([
    ["read_text", at("file"), 0, 100, status],
    ["read_text", at("odd"), 0, 3, none],
    ["read_text", at("large"), 0, 50_000, none],
    ["read_text", at("large"), 0, 49_999, none],
    ["read_text", at("nothing"), 0, 100, none],
    ["read_text", folder, 0, 100, none],
    ["read_text", `${at("file")}\0`, 0, 100, none],
    ["read_text", at("file"), 0, 100, { buffer: "small", size: 100 }],
    ["open", "/dev/null", 0, 0],
  ]);
  expect(results).toEqual([
    ...["größe ÿ", "a\ufffdb", "x".repeat(50_000)],
    ...[-EFBIG, -ENOENT, -EISDIR, -EINVAL, -EINVAL],
    // Nothing that was refused has stayed open.
    3,
  ]);
  expect(Buffer.from(buffers["status"] ?? []).readUInt32LE(40)).toBe(statSync(at("file")).size);
});

test("the names of a folder come out of its entries, whatever they are", async () => {
  const names = ["a", "größe", "..x", "x".repeat(255)];
  for (const name of names) writeFileSync(at(name), "");
  const { results } = await calls([
    ["open", folder, O_DIRECTORY, 0],
    ["getdents64", result(0), { buffer: "entries", size: 4096 }],
    ["entry_names", { buffer: "entries", size: 4096 }],
    // An entry that is shorter than its head, and one that claims more than there is.
    ["entry_names", { bytes: [...Array(16).fill(0), 18, 0, 0, 97, 0, 0] }],
    ["entry_names", { bytes: [...Array(16).fill(0), 99, 0, 0, 97, 0, 0] }],
    ["entry_names", { bytes: [] }],
  ]);
  expect([...(results[2] as string[])].sort()).toEqual([...names].sort());
  expect(results.slice(3)).toEqual([[], [], []]);
});

test("the places of attributes are noted by type, none behind the end and none of a broken one", async () => {
  const attributes = [6, 0, 1, 0, 7, 8, 0, 0, 5, 0, 2, 0x80, 9, 0, 0, 0, 4, 0, 127, 0, 4, 0, 200, 0];
  const places = (list: unknown): [number, number][] => {
    const bytes = list as number[];
    expect(bytes).toHaveLength(256);
    return Array.from({ length: 128 }, (_, type): [number, number] => [
      type,
      (bytes[2 * type] ?? 0) + 256 * (bytes[2 * type + 1] ?? 0),
    ]).filter(([, word]) => word !== 0);
  };
  const { results } = await calls([
    ["attribute_places", { bytes: attributes }, 0, 24],
    ["attribute_places", { bytes: attributes }, 8, 24],
    ["attribute_places", { bytes: attributes }, 0, 12],
    ["attribute_places", { bytes: [4, 0, 1, 0, 3, 0, 2, 0, 4, 0, 3, 0] }, 0, 12],
    ["attribute_places", { bytes: attributes }, 0, 99],
    ["attribute_places", { bytes: attributes }, -8, 24],
    ["attribute_places", { bytes: attributes }, 99, 24],
  ]);
  expect(results.map(places)).toEqual([
    [
      [1, 1],
      [2, 3],
      [127, 5],
    ],
    [
      [2, 3],
      [127, 5],
    ],
    [[1, 1]],
    [[1, 1]],
    [],
    [],
    [],
  ]);
});

test("a text is printable when it is ASCII without signs of control", async () => {
  const texts = ["", " !~az09", "a\tb", "a\n", "\u007f", "ä", "a\u001b[2J", "\ud83d"];
  const { results } = await calls(texts.map((each): Call => ["is_printable", each]));
  expect(results).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
});

test("a link holds the text that it gets, and takes no name that is there", async () => {
  writeFileSync(at("file"), "");
  const { results } = await calls([
    ["symlink", "größe/../nowhere", at("link")],
    ["symlink", "other", at("link")],
    ["symlink", "other", at("file")],
    ["symlink", "other\0", at("new")],
  ]);
  expect(results).toEqual([0, -EEXIST, -EEXIST, -EINVAL]);
  expect(readlinkSync(at("link"))).toBe("größe/../nowhere");
});

test("a link's text is read, as much of it as there is room for", async () => {
  symlinkSync("target", at("link"));
  const { results, buffers } = await calls([
    ["readlink", at("link"), { buffer: "whole", size: 20 }],
    ["readlink", at("link"), { buffer: "part", size: 3 }],
    ["readlink", at("nowhere"), { buffer: "part", size: 3 }],
  ]);
  expect(results).toEqual([6, 3, -ENOENT]);
  expect([text(buffers["whole"], 6), text(buffers["part"])]).toEqual(["target", "tar"]);
});

test("a namespace of its own is made and gets a name by a mount, which goes again", async () => {
  writeFileSync(at("name"), "");
  const [CLONE_NEWNS, CLONE_NEWNET, MS_BIND, MS_REC, MS_PRIVATE] = [
    0x20000,
    0x40000000,
    4096,
    16384,
    1 << 18,
  ];
  const MNT_DETACH = 2;
  const own = "/proc/thread-self/ns/net";
  const { results } = await calls([
    ["unshare", CLONE_NEWNS + CLONE_NEWNET],
    ["mount", "none", "/", "", MS_REC + MS_PRIVATE],
    ["mount", own, at("name"), "", MS_BIND],
    ["open", at("name"), 0, 0],
    ["setns", result(3), CLONE_NEWNET],
    ["umount", at("name"), MNT_DETACH],
    ["umount", at("name"), MNT_DETACH],
    ["unshare", 1],
  ]);
  expect(results).toEqual([0, 0, 0, 3, 0, 0, -EINVAL, -EINVAL]);
});

test("a listener is reached and takes the connection", async () => {
  const [AF_UNIX, SOCK_STREAM] = [1, 1];
  const address = { bytes: [AF_UNIX, 0, 0, ...Buffer.from(`pontoon ${folder}`)] };
  const { results, buffers } = await calls([
    ["socket", AF_UNIX, SOCK_STREAM, 0],
    ["bind", result(0), address],
    ["listen", result(0), 1],
    ["socket", AF_UNIX, SOCK_STREAM, 0],
    ["connect", result(3), address],
    ["accept", result(0)],
    ["send", result(3), bytes("hello"), 0],
    ["recv", result(5), { buffer: "heard", size: 5 }, 0],
    ["connect", -1, address],
  ]);
  expect(results).toEqual([3, 0, 0, 4, 0, 5, 5, 5, -EBADF]);
  expect(text(buffers["heard"])).toBe("hello");
});

test("a terminal tells its columns, and a pipe is none", async () => {
  const { results } = await calls([["terminal_columns", 1]]);
  expect(results).toEqual([-25]);
  // script(1) gives the program a terminal; its input stays a pipe.
  const inTerminal = `stty cols 93 && exec '${made.path}' < '${at("calls")}'`;
  writeFileSync(at("calls"), JSON.stringify([["terminal_columns", 1]]));
  const { stdout } = await run(["script", "-qec", inTerminal, "/dev/null"], {});
  expect(JSON.parse(stdout)).toMatchObject({ results: [93] });
});

test("a lock is held by one", async () => {
  writeFileSync(at("lock"), "");
  const { results } = await calls([
    ["open", at("lock"), 0, 0],
    ["open", at("lock"), 0, 0],
    ["flock", result(0), 6],
    ["flock", result(1), 6],
    ["flock", -1, 6],
  ]);
  expect(results.slice(2)).toEqual([0, -11, -EBADF]);
});

test("sockets are made, set, asked, bound, sent through and waited for", async () => {
  const [AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK] = [
    16, 3, 0, 270, 10, 11,
  ];
  const noop = [16, 0, 0, 0, 1, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0];
  const { results, buffers } = await calls([
    ["socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE],
    ["bind", result(0), { bytes: [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }],
    ["setsockopt", result(0), SOL_NETLINK, NETLINK_EXT_ACK, { bytes: [1, 0, 0, 0] }],
    ["getsockopt", result(0), SOL_NETLINK, NETLINK_EXT_ACK, { buffer: "option", size: 8 }],
    ["getsockopt", result(0), SOL_NETLINK, NETLINK_CAP_ACK, { buffer: "none", size: 0 }],
    ["poll", { bytes: [3, 0, 0, 0, 1, 0, 0, 0] }, 0],
    ["send", result(0), { bytes: noop }, 0],
    ["poll", { bytes: [3, 0, 0, 0, 1, 0, 0, 0] }, -1],
    ["recv", result(0), { buffer: "answer", size: 64 }, 0x40],
    ["recv", result(0), { buffer: "answer", size: 64 }, 0x40],
    ["send", -1, { bytes: noop }, 0],
  ]);
  expect(results).toEqual([3, 0, 0, 4, expect.any(Number), 0, 16, 1, 36, -11, -EBADF]);
  expect(buffers["option"]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  expect(Buffer.from(buffers["answer"] ?? []).readUInt32LE(8)).toBe(7);
});

test("a signal that is blocked makes its descriptor readable, and ends nobody", async () => {
  const ask = { bytes: [4, 0, 0, 0, 1, 0, 0, 0] };
  const { results, buffers } = await calls([
    ["open", "/dev/null", 2, 0],
    ["signalfd", 15],
    ["poll", ask, 0],
    ["spawn", "/bin/sh", ["sh", "-c", "kill -TERM $PPID"], [], result(0), result(0), result(0)],
    ["poll", ask, -1],
    ["read", result(1), { buffer: "told", size: 128 }],
    ...[0, 65, -1, 2 ** 40].map((signal): Call => ["signalfd", signal]),
  ]);
  expect(results).toEqual([3, 4, 0, 0, 1, 128, -EINVAL, -EINVAL, -EINVAL, -EINVAL]);
  expect(buffers["told"]?.[0]).toBe(15);
});

test("every descriptor is close-on-exec", async () => {
  const list: Call[] = [
    ["open", "/proc/self/fd", 0, 0],
    ["memfd_create", "x", 0],
    ["socket", 16, 3, 0],
    ["open", "/proc/self/fdinfo", O_DIRECTORY, 0],
  ];
  const read = ["/proc/self/fdinfo/3", "/proc/self/fdinfo/4", "/proc/self/fdinfo/5", "/proc/self/fdinfo/6"];
  const { buffers } = await calls([
    ...list,
    ...read.flatMap((path, at): Call[] => [
      ["open", path, 0, 0],
      ["read", result(4 + 2 * at), { buffer: path, size: 400 }],
    ]),
  ]);
  for (const path of read) expect(text(buffers[path])).toMatch(/flags:\s+02\d{6}\n/);
});

test("a closed standard descriptor is not given to a file", async () => {
  const { results } = await calls(
    [
      ["open", "/", 0, 0],
      ["write", 2, bytes("x")],
    ],
    { through: ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-'] },
  );
  expect(results).toEqual([3, -EBADF]);
});

test("a namespace is entered, and what is none is refused", async () => {
  const { results } = await calls([
    ["open", "/proc/self/ns/net", 0, 0],
    ["setns", result(0), 0x40000000],
    ["open", "/dev/null", 0, 0],
    ["setns", result(2), 0x40000000],
  ]);
  expect([results[1], results[3]]).toEqual([0, -EINVAL]);
});

test("random bytes come, clocks go, a pause lasts", async () => {
  const { results, buffers } = await calls([
    ["getrandom", { buffer: "one", size: 16 }],
    ["getrandom", { buffer: "two", size: 16 }],
    ["clock_gettime", 1],
    ["usleep", 2000],
    ["clock_gettime", 1],
    ["clock_gettime", 0],
    ["clock_gettime", 99],
  ]);
  expect(results.slice(0, 2)).toEqual([16, 16]);
  expect(buffers["one"]).not.toEqual(buffers["two"]);
  expect((results[4] as number) - (results[2] as number)).toBeGreaterThanOrEqual(2);
  expect(Math.abs((results[5] as number) - Date.now())).toBeLessThan(60_000);
  // JSON has no NaN.
  expect(results[6]).toBeNull();
});

test("arguments, environment and user are the process's", async () => {
  const { results } = await calls(
    [
      ["argv"],
      ["program_name"],
      ["environment"],
      ["getenv", "A"],
      ["getenv", "EMPTY"],
      ["getenv", "NONE"],
      ["getenv", "A\0B"],
      ["geteuid"],
    ],
    { env: { A: "größe=1", EMPTY: "" }, args: ["one", "zwei ü", ""] },
  );
  expect(results).toEqual([
    ["one", "zwei ü", ""],
    made.path,
    ["A=größe=1", "EMPTY="],
    "größe=1",
    "",
    null,
    null,
    process.geteuid?.(),
  ]);
});

test("a program is run with its arguments, environment and descriptors, and its end is told", async () => {
  writeFileSync(at("in"), "the input");
  const [input, output, error]: Argument[] = [result(0), result(1), result(2)];
  const ran = (...command: string[]): Call => [
    "spawn",
    command[0] ?? "",
    command,
    [`PATH=${SYSTEM_PATH}`, "B=2"],
    input ?? 0,
    output ?? 0,
    error ?? 0,
  ];
  const { results } = await calls([
    ["open", at("in"), 0, 0],
    ["open", at("out"), O_WRONLY | O_CREAT, 0o600],
    ["open", at("err"), O_WRONLY | O_CREAT, 0o600],
    ran(
      "/bin/sh",
      "-c",
      "cat; env; trap; echo oops >&2; ls -l /proc/self/fd | grep -c native-; exit 7",
      "name",
    ),
    ran("/bin/sh", "-c", "kill -s PIPE $$"),
    ran("/bin/sh", "-c", "kill -s KILL $$"),
    ran(at("nothing")),
    ["spawn", "/bin/true", ["true"], [], 0, 1, 2],
    ran(at("in\0")),
  ]);
  expect(results.slice(3)).toEqual([7 << 8, 13, 9, -ENOENT, -EBADF, -EINVAL]);
  const said = readFileSync(at("out"), "utf8");
  expect(said).toContain("the input");
  expect(said).toContain("B=2\n");
  expect(readFileSync(at("err"), "utf8")).toBe("oops\n");
  // Of our files ls has two, its input and its error; its output is the pipe.
  expect(said).toMatch(/\n2\n$/);
});

test("a program that is launched leads its group, which can be waited for and ended with all in it", async () => {
  const program = (...command: string[]): Call => [
    "launch",
    "/bin/sh",
    command,
    [],
    result(0),
    result(1),
    result(0),
  ];
  const { results } = await calls([
    ["open", "/dev/null", 2, 0],
    ["open", at("out"), O_WRONLY | O_CREAT, 0o600],
    program("sh", "-c", "cut -d ' ' -f 1,5 /proc/$$/stat; exit 7"),
    ["wait", result(2)],
    program("sh", "-c", "tail -f /dev/null & echo $! >&1; wait"),
    ["pidfd_open", result(4)],
    ["usleep", 0],
    ["kill_group", result(4)],
    ["wait", result(4)],
    ["wait", result(4)],
    ["pidfd_open", result(4)],
    ...[1, 0, -1, 2 ** 32, 2 ** 32 + 1, 2 ** 32 + 2].map((leader): Call => ["kill_group", leader]),
    ["launch", at("nothing"), ["nothing"], [], result(0), result(0), result(0)],
  ]);
  expect(results[3]).toBe(7 << 8);
  expect(results.slice(7, 11)).toEqual([0, 9, -ECHILD, -ESRCH]);
  expect(results.slice(11)).toEqual([...Array.from({ length: 6 }, () => -EINVAL), -ENOENT]);
  const [ids = ""] = readFileSync(at("out"), "utf8").split("\n");
  expect(ids).toBe(`${String(results[2])} ${String(results[2])}`);
});

test("a program that the kernel does not know is refused", async () => {
  writeFileSync(at("text"), "no program", { mode: 0o755 });
  const { results } = await calls([
    ["open", "/dev/null", 2, 0],
    ["spawn", at("text"), ["text"], [], result(0), result(0), result(0)],
  ]);
  expect(results[1]).toBe(-ENOEXEC);
});

test("text becomes UTF-8 and back, and hashes are those of OpenSSL", async () => {
  const words = ["", "abc", "größe \u{1f600}", "x".repeat(1000)];
  const { results } = await calls(
    words.flatMap((word): Call[] => [
      ["encode", word],
      ["decode", bytes(word)],
      ["sha256", word],
      ["sha512", word],
    ]),
  );
  const hash = (name: string, word: string): string => createHash(name).update(word).digest("hex");
  expect(results).toEqual(
    words.flatMap((word) => [[...Buffer.from(word)], word, hash("sha256", word), hash("sha512", word)]),
  );
});

test("an argument of another kind is a TypeError, not a crash", async () => {
  const { results } = await calls([
    ["open", 5, 0, 0],
    ["open"],
    ["read", 0, "text"],
    ["read", "0", { buffer: "b", size: 1 }],
    ["spawn", "/bin/true", null, [], 3, 4, 5],
    ["decode", null],
    ["sha256", 1],
    ["write", 1, null],
  ]);
  for (const each of results) expect(each).toMatch(/^TypeError: /);
});

test("abort says its words on stderr and ends the process by its signal", async () => {
  const { status, stdout, stderr } = await run([made.path], { stdin: JSON.stringify([["abort", "why\n"]]) });
  expect([status, stdout, stderr]).toEqual([undefined, "", "why\n"]);
});

test("a reader that has gone is an error, not a signal", async () => {
  // Waits until the other end of stdout is closed, then writes.
  const list: Call[] = [
    ["poll", { bytes: [1, 0, 0, 0, 0, 0, 0, 0] }, -1],
    ["write", 1, bytes("x")],
  ];
  const { stdout } = await run(["/bin/bash", "-c", '"$0" | true; echo "${PIPESTATUS[0]}"', made.path], {
    stdin: JSON.stringify(list),
  });
  expect(stdout).toBe("1\n");
});
