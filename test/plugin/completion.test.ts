// What is made from the table of commands for shells and for man, judged by bash and man themselves.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../support/process.ts";
import { pluginBinary } from "../support/world.ts";

/** The words that bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const line = ["pontoon", ...words].map((word) => `'${word}'`).join(" ");
  const script = `source <("${pluginBinary()}" completion bash)
COMP_WORDS=(${line}) COMP_CWORD=${words.length}
_pontoon
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = await run(["bash", "--norc", "--noprofile", "-c", script]);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash completes commands, options, their values, and words", async () => {
  expect(await offered("rest")).toEqual(["restore"]);
  expect(await offered("install", "--conf")).toEqual(["--conf", "--conf-dir"]);
  expect(await offered("install", "--bin-dir", "/et")).toEqual(["/etc"]);
  expect(await offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await offered("migrate", "/etc/passw")).toContain("/etc/passwd");
  expect(await offered("help", "ver")).toEqual(["version"]);
});

test("bash offers names of files whole, and takes no word for a folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "completion-"));
  try {
    mkdirSync(join(folder, "networks"));
    mkdirSync(join(folder, "a folder"));
    writeFileSync(join(folder, "a file"), "");
    expect(await offered("migrate", `${folder}/a f`)).toEqual([`${folder}/a file`, `${folder}/a folder`]);
    expect(await offered("install", "--bin-dir", `${folder}/a`)).toEqual([`${folder}/a folder`]);
    const typed = `cd "${folder}"; set -u; source <("${pluginBinary()}" completion bash); complete -p pontoon`;
    expect((await run(["bash", "--norc", "--noprofile", "-c", typed])).stdout).toBe(
      "complete -F _pontoon pontoon\n",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the function for zsh completes when it is loaded, and zsh and fish find no fault where they are there", async () => {
  const { stdout } = await run([pluginBinary(), "completion", "zsh"]);
  expect(stdout).toContain(
    'if [ "${funcstack[1]}" = _pontoon ]; then _pontoon "$@"; else compdef _pontoon pontoon; fi',
  );
  for (const shell of ["zsh", "fish"]) {
    const check = `command -v ${shell} > /dev/null || exit 0; "${pluginBinary()}" completion ${shell} | ${shell} -n /dev/stdin`;
    expect(await run(["sh", "-c", check])).toMatchObject({ status: 0, stderr: "" });
  }
});

test("a shell that nobody knows is refused, with those that there are", async () => {
  const { status, stderr } = await run([pluginBinary(), "completion", "tcsh"]);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'pontoon completion: name one shell: bash, zsh, fish.\nTry "pontoon completion --help".\n',
  });
});

test("man shows the page without a warning, with every command", async () => {
  const page = await run([pluginBinary(), "man"]);
  const { stdout, stderr, status } = await run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], {
    stdin: page.stdout,
    env: { MANWIDTH: "80", PATH: process.env["PATH"] ?? "", MANPAGER: "cat" },
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  for (const name of ["restore", "install", "migrate", "completion"])
    expect(stdout).toContain(`pontoon ${name}`);
  expect(stdout).toContain("--bin-dir DIR");
});
