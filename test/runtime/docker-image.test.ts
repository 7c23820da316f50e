// The image that the Dockerfile describes, built and run by buildah. Its base is made on the spot from the
// machine's busybox under the name that the Dockerfile asks for, so that no image has to be fetched from
// anywhere.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describe, run } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH, toolPath } from "../support/tool.ts";

const IMAGE = "pontoon.test/pontoon:1";
const MOUNTS = ["opt/cni/bin", "etc/cni/net.d"];

const folder = mkdtempSync(join(tmpdir(), "pontoon-docker-image-"));
/** The image as a container that does not run, and the folders of a node that are mounted into it. */
let container: string;

beforeAll(async () => {
  const base = /^FROM (\S+)$/m.exec(readFileSync(join(REPOSITORY, "Dockerfile"), "utf8"))?.[1] ?? "";
  const empty = await buildah("from", "scratch");
  await buildah("add", empty, await busyboxRoot(), "/");
  await buildah("commit", empty, `docker.io/library/${base}`);
  await buildah("bud", "--pull-never", "--tag", IMAGE, REPOSITORY);
  container = await buildah("from", "--pull-never", IMAGE);
  for (const mount of MOUNTS) mkdirSync(join(folder, mount), { recursive: true });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the image puts the executable and the configuration in the places of the node that are mounted there", async () => {
  const volumes = MOUNTS.flatMap((mount) => ["--volume", `${join(folder, mount)}:/${mount}`]);
  const said = await buildah(
    "run",
    "--isolation",
    "chroot",
    ...volumes,
    container,
    "--",
    ...(await entryPoint()),
  );
  expect(said).toBe(
    "install: /opt/cni/bin/pontoon: installed\ninstall: /etc/cni/net.d/10-pontoon.conflist: installed",
  );
  expect(
    readFileSync(join(folder, "opt/cni/bin/pontoon")).equals(readFileSync(join(REPOSITORY, "dist/pontoon"))),
  ).toBe(true);
  expect(readFileSync(join(folder, "etc/cni/net.d/10-pontoon.conflist"))).toEqual(
    readFileSync(join(REPOSITORY, "cni-conf/10-pontoon.conflist")),
  );
});

test("the image holds the licence, the executable, its installer and the configuration, and nothing else of the repository", async () => {
  const root = await buildah("mount", container);
  try {
    const files = readdirSync(join(root, "pontoon"), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    const shipped = readdirSync(join(REPOSITORY, "cni-conf"));
    expect(files.map(({ name }) => name).sort()).toEqual(
      ["LICENSE", "NOTICE", "install", "pontoon", ...shipped].sort(),
    );
  } finally {
    await buildah("umount", container);
  }
});

/** A root file system with busybox under each of its names, as the image has it that the Dockerfile names. */
async function busyboxRoot(): Promise<string> {
  const root = join(folder, "busybox");
  mkdirSync(join(root, "bin"), { recursive: true });
  cpSync(toolPath("busybox"), join(root, "bin/busybox"));
  const { stdout } = await run([toolPath("busybox"), "--list"]);
  for (const name of stdout.trim().split("\n"))
    if (name !== "busybox") symlinkSync("busybox", join(root, "bin", basename(name)));
  return root;
}

/** What a runtime starts in a container of the image. */
async function entryPoint(): Promise<string[]> {
  const { OCIv1 } = JSON.parse(await buildah("inspect", "--type", "image", IMAGE)) as {
    OCIv1: { config: { Entrypoint: string[] } };
  };
  return OCIv1.config.Entrypoint;
}

/** Runs buildah on a store of the test's own; it has to succeed. Gives what it printed. */
async function buildah(command: string, ...args: string[]): Promise<string> {
  const store = [
    "--root",
    join(folder, "store"),
    "--runroot",
    join(folder, "run"),
    "--storage-driver",
    "vfs",
  ];
  const outcome = await run([toolPath("buildah"), ...store, command, ...args], {
    env: { PATH: SYSTEM_PATH, HOME: folder, TMPDIR: folder },
    timeoutMs: 60_000,
  });
  if (outcome.status !== 0) throw new Error(describe(outcome));
  return outcome.stdout.trim();
}
