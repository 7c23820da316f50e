// A container image made on the spot from the machine's busybox, so that no image has to be fetched from
// anywhere. It serves as the pods' pause image too.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

export const IMAGE = "pontoon.test/busybox:1";

const FOLDER = "/run/world/image";
const PROGRAMS = ["sh", "sleep", "cat", "echo", "ip", "ping", "nc"];

/**
 * Writes the image as a Docker archive, the form that `ctr image import` reads; gives its path in the world.
 */
export async function buildImage(world: World): Promise<string> {
  await world.host.must(`mkdir -p ${FOLDER}/root/bin ${FOLDER}/root/etc ${FOLDER}/root/tmp`);
  await world.host.must(`cp ${toolPath("busybox")} ${FOLDER}/root/bin/busybox`);
  for (const program of PROGRAMS) await world.host.must(`ln -s busybox ${FOLDER}/root/bin/${program}`);
  await world.host.must(`tar -cf ${FOLDER}/layer.tar -C ${FOLDER}/root .`);

  const layer = createHash("sha256")
    .update(readFileSync(world.outside(`${FOLDER}/layer.tar`)))
    .digest("hex");
  world.write(
    `${FOLDER}/config.json`,
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Env: ["PATH=/bin"], Entrypoint: ["/bin/sleep", "3600"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    }),
  );
  world.write(
    `${FOLDER}/manifest.json`,
    JSON.stringify([{ Config: "config.json", RepoTags: [IMAGE], Layers: ["layer.tar"] }]),
  );
  await world.host.must(`tar -cf ${FOLDER}/image.tar -C ${FOLDER} manifest.json config.json layer.tar`);
  return `${FOLDER}/image.tar`;
}
