// The same sources and compilers give the same executable, byte for byte, in whatever folder and environment
// it is built.
//
// Compiling the engine anew takes half a minute of both processors, so only a build server (CI=true) does it;
// elsewhere the second build is given the first one's engine, and what is compared is the bundle and the heap
// image.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "../support/engine.ts";
import { run } from "../support/process.ts";
import { REPOSITORY } from "../support/tool.ts";

const COMPILES = process.env["CI"] === "true";
const ENGINE = "engine/target/x86_64-unknown-linux-gnu/release/pontoon";

const folder = mkdtempSync(join(tmpdir(), "pontoon-reproducible-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The packages of the bundle, and the bundler. */
const PACKAGES = ["zod", "esbuild", "@esbuild"].map((name) => `node_modules/${name}`);

/** Variables that a compiler, a linker or a C library might listen to. */
const DISTURBED = {
  TZ: "Asia/Tokyo",
  LANG: "de_DE.UTF-8",
  LC_ALL: "C.UTF-8",
  SOURCE_DATE_EPOCH: "1",
  CFLAGS: "-O0",
  CC: "false",
  RUSTFLAGS: "-Copt-level=0",
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
  CARGO_BUILD_TARGET_DIR: "/nowhere",
  GLIBC_TUNABLES: "glibc.cpu.hwcaps=-AVX2,-AVX,-SSE4_2,-ERMS",
  NODE_OPTIONS: "--no-warnings",
};

/**
 * The sources in another folder, with a home and a cargo of other names. Gives the environment to build in.
 */
function elsewhere(repository: string): Record<string, string> {
  const home = join(folder, "a home of another name");
  mkdirSync(join(home, "crates"), { recursive: true });
  for (const name of ["src", "scripts", "docs", "engine", "package.json", "tsconfig.json", ...PACKAGES]) {
    cpSync(join(REPOSITORY, name), join(repository, name), {
      recursive: true,
      filter: (path) => !path.endsWith("engine/target"),
    });
  }
  // The crates that were fetched already, below another path.
  const cargo = process.env["CARGO_HOME"] ?? join(homedir(), ".cargo");
  for (const name of ["registry", "config.toml"].filter((each) => existsSync(join(cargo, each))))
    symlinkSync(join(cargo, name), join(home, "crates", name));
  return {
    ...DISTURBED,
    HOME: home,
    CARGO_HOME: join(home, "crates"),
    RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup"),
  };
}

/** Both executables. */
let made: Buffer[];

beforeAll(async () => {
  const repository = join(folder, "another", "place");
  const env = elsewhere(repository);
  expect(await build("src/main.ts", join(folder, "one"))).toMatchObject({ status: 0 });
  const given = COMPILES ? {} : { engine: join(REPOSITORY, ENGINE) };
  expect(await build("src/main.ts", join(folder, "two"), { repository, env, ...given })).toMatchObject({
    status: 0,
    stderr: "",
  });
  expect(existsSync(join(repository, ENGINE))).toBe(COMPILES);
  made = ["one", "two"].map((name) => readFileSync(join(folder, name, "pontoon")));
}, 600_000);

test(`${COMPILES ? "the executable" : "the bundle and the heap image"} is the same in another folder and environment`, () => {
  const [one, two] = made;
  expect(one?.length).toBe(two?.length);
  expect(one?.equals(two ?? Buffer.of())).toBe(true);
});

test("it holds the path of no folder of the machine", () => {
  for (const place of [REPOSITORY, folder, homedir(), tmpdir()])
    expect(
      made.map((each) => each.includes(`${place}/`)),
      place,
    ).toEqual([false, false]);
});

// A heap image is good at another start only if all its addresses are of the executable: of its text, its
// constants, its heap. The kernel puts everything else somewhere else for each process: stack, mappings (a
// library's among them), what brk(2) gives, and the vDSO. An address of one of these would so make two images
// differ, but for one chance in 2^22.
test("each process had its stack, mappings, break and vDSO elsewhere: that the images are the same says that they hold no such address", async () => {
  // The programs that make the images inherit their personality from here, as this one does.
  const places = async (): Promise<string[]> => {
    const { stdout } = await run(["/bin/cat", "/proc/self/maps"]);
    return ["[stack]", "libc", "[heap]", "[vdso]"].map(
      (name) =>
        stdout
          .split("\n")
          .find((line) => line.includes(name))
          ?.split("-")[0] ?? "",
    );
  };
  const [one, two] = [await places(), await places()];
  for (const [at, place] of one.entries()) {
    expect(place).toMatch(/^[0-9a-f]+$/);
    expect(place).not.toBe(two[at]);
  }
});
