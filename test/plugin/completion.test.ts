// What is made from the table of commands for shells and for man, judged by bash and man themselves.
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
