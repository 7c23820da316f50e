// The images that the Dockerfile describes, built and run by buildah, and the archive that scripts/image
// makes. They begin with nothing, so no image has to be fetched from anywhere.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describe, type Outcome, run } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH } from "../support/tool.ts";
import { buildahIn } from "./buildah.ts";

const IMAGE = "pontoon.test/pontoon:1";
const MOUNTS = ["opt/cni/bin", "etc/cni/net.d"];

const folder = mkdtempSync(join(tmpdir(), "pontoon-docker-image-"));
/** The image as a container that does not run, and the folders of a node that are mounted into it. */
let container: string;

beforeAll(async () => {
  await buildah("bud", "--pull-never", "--target", "installer", "--tag", IMAGE, REPOSITORY);
  container = await buildah("from", "--pull-never", IMAGE);
  for (const mount of MOUNTS) mkdirSync(join(folder, mount), { recursive: true });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the image puts the executable and the configuration in the places of the node that are mounted there", async () => {
  const { status, stdout, stderr } = await start(MOUNTS);
  expect([status, stdout, stderr]).toEqual([
    0,
    "/opt/cni/bin/pontoon: installed\n/opt/cni/bin/loopback: installed, a link to pontoon\n/etc/cni/net.d/10-pontoon.conflist: installed\n" +
      "the runtime takes /etc/cni/net.d/10-pontoon.conflist, the first by name\n",
    "",
  ]);
  expect(
    readFileSync(join(folder, "opt/cni/bin/pontoon")).equals(readFileSync(join(REPOSITORY, "dist/pontoon"))),
  ).toBe(true);
  expect(readFileSync(join(folder, "etc/cni/net.d/10-pontoon.conflist"))).toEqual(
    readFileSync(join(REPOSITORY, "cni-conf/10-pontoon.conflist")),
  );
});

test.each(MOUNTS)(
  "without a mount at /%s it refuses, whatever command it is started with",
  async (missing) => {
    const present = MOUNTS.filter((mount) => mount !== missing);
    const commands = [
      undefined,
      ["/pontoon", "install", "--conf", "/cni-conf/20-pontoon-dual-stack.conflist"],
    ];
    for (const command of commands) {
      const { status, stderr } = await start(present, command);
      // buildah has a line of its own about the exit status.
      expect(stderr).toMatch(
        new RegExp(
          `^pontoon install: /${missing} is the container's own, and would go with it. Hint: Mount`,
          "m",
        ),
      );
      expect(status).toBe(1);
    }
    expect(existsSync(join(folder, "etc/cni/net.d/20-pontoon-dual-stack.conflist"))).toBe(false);
  },
);

test("the image holds the licence, the executable and the configurations, and nothing else", async () => {
  // A container that was never started: buildah puts files of its own into others.
  const untouched = await buildah("from", "--pull-never", IMAGE);
  const root = await buildah("mount", untouched);
  try {
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const shipped = readdirSync(join(REPOSITORY, "cni-conf"));
    expect(files.map(({ name }) => name).sort()).toEqual(["LICENSE", "NOTICE", "pontoon", ...shipped].sort());
  } finally {
    await buildah("umount", untouched);
  }
});

/** What a runtime starts in a container of the image. */
async function entryPoint(): Promise<string[]> {
  const { OCIv1 } = JSON.parse(await buildah("inspect", "--type", "image", IMAGE)) as {
    OCIv1: { config: { Entrypoint: string[] } };
  };
  return OCIv1.config.Entrypoint;
}

/** Starts a container of the image with these folders of the node, to its end. */
async function start(mounts: string[], command?: string[]): Promise<Outcome> {
  const volumes = mounts.flatMap((mount) => ["--volume", `${join(folder, mount)}:/${mount}`]);
  const what = command ?? (await entryPoint());
  return tryBuildah("run", "--isolation", "chroot", ...volumes, container, "--", ...what);
}

/** Runs buildah; it has to succeed. Gives what it printed. */
async function buildah(command: string, ...args: string[]): Promise<string> {
  const outcome = await tryBuildah(command, ...args);
  if (outcome.status !== 0) throw new Error(describe(outcome));
  return outcome.stdout.trim();
}

/** Runs buildah on a store of the test's own. */
async function tryBuildah(command: string, ...args: string[]): Promise<Outcome> {
  return run([...buildahIn(folder), command, ...args], {
    env: { PATH: SYSTEM_PATH, HOME: folder, TMPDIR: folder },
    timeoutMs: 60_000,
  });
}
