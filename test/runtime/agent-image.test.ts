// The image with the agent: made by scripts/image without an engine, and by the Dockerfile with one. Neither
// fetches an image.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describe, run } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH } from "../support/tool.ts";
import { buildahIn } from "./buildah.ts";

const folder = mkdtempSync(join(tmpdir(), "pontoon-agent-image-"));
const archive = join(folder, "image.tar");
const root = join(folder, "root");

beforeAll(async () => {
  await must([process.execPath, "scripts/build-agent.mjs"]);
  await must(["scripts/image", "--no-build", archive]);
  mkdirSync(root);
  await must(["sh", "-c", `tar -xOf ${archive} layer.tar | tar -x -C ${root}`]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("in the image alone the agent and the executable start", async () => {
  const agent = await must(["chroot", root, "/bin/node", "/pontoon-agent.cjs", "--version"]);
  expect(agent).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await must(["chroot", root, "/pontoon", "version"])).toContain(`pontoon ${agent.trim()}`);
});

test("made twice the archive has the same bytes", async () => {
  const again = join(folder, "again.tar");
  await must(["scripts/image", "--no-build", again]);
  expect(hashOf(again)).toBe(hashOf(archive));
  rmSync(again);
});

test("the Dockerfile makes an image with the same files, start and environment", async () => {
  await buildah("bud", "--pull-never", "--tag", "pontoon.test/agent:1", REPOSITORY);
  const container = await buildah("from", "--pull-never", "pontoon.test/agent:1");
  const mounted = await buildah("mount", container);
  expect(filesOf(mounted)).toEqual(filesOf(root));
  const { OCIv1 } = JSON.parse(await buildah("inspect", "--type", "image", "pontoon.test/agent:1")) as {
    OCIv1: { config: { Entrypoint: string[]; Env: string[] } };
  };
  const { config } = JSON.parse(await must(["tar", "-xOf", archive, "config.json"])) as typeof OCIv1;
  expect(config.Entrypoint).toEqual(OCIv1.config.Entrypoint);
  expect(OCIv1.config.Env).toEqual(expect.arrayContaining(config.Env));
}, 120_000);

/** Every file below a folder with the hash of its content. */
function filesOf(place: string): Record<string, string> {
  const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(place.length), hashOf(path)]),
  );
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

async function buildah(...words: string[]): Promise<string> {
  return (await must([...buildahIn(folder), ...words])).trim();
}

/** Runs a program in the repository; it has to succeed. Gives what it printed. */
async function must(command: string[]): Promise<string> {
  const env = { PATH: SYSTEM_PATH, HOME: folder, TMPDIR: folder };
  const outcome = await run(["env", "-C", REPOSITORY, ...command], { env, timeoutMs: 60_000 });
  if (outcome.status !== 0) throw new Error(describe(outcome));
  return outcome.stdout;
}
