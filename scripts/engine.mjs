// The engine without a program: engine/, compiled.
//
// Linked statically against musl, which starts 0.2 ms sooner than glibc and chooses nothing by the processor.
// Nothing in it is position independent: the heap image holds addresses.
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

// The standard library is not linked, so the C library may be another one than the target's name says.
const TARGET = "x86_64-unknown-linux-gnu";
const LINKER = "musl-gcc";

/**
 * What the engine's C calls in the place of these: it ends by our words (engine/pontoon/src/last_words.rs),
 * and has no clock (engine/pontoon/src/no_clock.rs).
 */
const REPLACED = ["-Dabort=pontoon_abort", "-Dgettimeofday=pontoon_no_clock"];

/**
 * Left out of the code: tables for unwinding, which nothing here does, and the gaps that put loops and
 * functions at round addresses.
 */
const SMALL = [
  "-fno-asynchronous-unwind-tables",
  "-fno-unwind-tables",
  "-falign-functions=1",
  "-falign-jumps=1",
  "-falign-loops=1",
  "-falign-labels=1",
];

/** What cargo needs of the environment; nothing else of it reaches the compilers. */
const KEPT =
  /^(PATH|HOME|RUSTUP_\w+|CARGO_HOME|CARGO_(NET|HTTP|REGISTRIES)_\w+|\w+_proxy|\w+_PROXY|SSL_CERT_\w+)$/;

/**
 * The environment of the compilers, and the folders that their files name.
 * @param {string} root the repository
 */
function surroundings(root) {
  const cargoHome = process.env["CARGO_HOME"] ?? join(homedir(), ".cargo");
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));
  const places = [
    [join(root, "engine"), "engine"],
    [cargoHome, "cargo"],
  ];
  return { kept, places };
}

/**
 * Compiles the engine and the compiler of bundles, and gives the path of the engine; the compiler lies beside
 * it. Throws when a compiler refuses.
 * @param {string} root the repository
 */
export function compileEngine(root) {
  const folder = join(root, "engine");
  const { kept, places } = surroundings(root);
  const env = {
    ...kept,
    CC: LINKER,
    CFLAGS: [
      "-fno-pic",
      ...SMALL,
      ...REPLACED,
      ...places.map(([from, to]) => `'-ffile-prefix-map=${from}=${to}'`),
    ].join(" "),
    // The flags are quoted as in a shell: a folder's name may hold a space.
    CC_SHELL_ESCAPED_FLAGS: "1",
    CARGO_ENCODED_RUSTFLAGS: [
      `-Clinker=${LINKER}`,
      "-Crelocation-model=static",
      "-Cforce-unwind-tables=no",
      "-Ctarget-feature=+crt-static",
      "-Clink-arg=-static",
      "-Clink-arg=-Wl,-Bstatic,--build-id=none",
      "-Clink-arg=-lc",
      "-Clink-arg=-lgcc",
      // Asking the processor what it can do costs more than the few hashes of a call.
      '--cfg=sha2_backend="soft"',
      ...places.map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
    ].join("\x1f"),
  };
  const args = ["build", "--locked", "--quiet", "--release", "--target", TARGET, "--package", "pontoon"];
  execFileSync("cargo", args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });
  return join(folder, "target", TARGET, "release/pontoon");
}

/**
 * Compiles the engine with AddressSanitizer: dynamic, its C part instrumented, blocks from the C library. It
 * takes the bundle from the file that PONTOON_BUNDLE names, at each start. Gives the path of its executable.
 * @param {string} root the repository
 */
export function compileSanitizedEngine(root) {
  const { kept } = surroundings(root);
  const target = join(root, ".tools/sanitized");
  const env = {
    ...kept,
    CC: "gcc",
    CFLAGS: ["-fsanitize=address", "-fno-omit-frame-pointer", "-g", "-O1", ...REPLACED].join(" "),
    CARGO_ENCODED_RUSTFLAGS: ["-lasan", "-lc", "-lm", "-lgcc", "-lgcc_s"]
      .map((library) => `-Clink-arg=${library}`)
      .join("\x1f"),
  };
  const args = ["build", "--locked", "--quiet", "--release", "--target", TARGET, "--package", "pontoon"];
  args.push("--bin", "pontoon", "--features", "sanitized", "--target-dir", target);
  execFileSync("cargo", args, { cwd: join(root, "engine"), env, stdio: ["ignore", "inherit", "inherit"] });
  return join(target, TARGET, "release/pontoon");
}
