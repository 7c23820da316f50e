// The commands of docs/attach.md that make each way of attaching by hand, in a host of their own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scene } from "../support/scene.ts";
import { REPOSITORY } from "../support/tool.ts";

const PAGE = readFileSync(join(REPOSITORY, "docs/attach.md"), "utf8");
/** The commands of each section, by its title. */
const BY_HAND = PAGE.split(/^## /m).flatMap((section) => {
  const title = section.slice(0, section.indexOf("\n"));
  const commands = /```sh\n([^]*?)```/.exec(section)?.[1];
  return commands === undefined ? [] : [{ title, commands }];
});

test("the page has commands for each way", () => {
  expect(BY_HAND.map(({ title }) => title)).toEqual(["bridge", "ptp", "wire", "device"]);
});

for (const { title, commands } of BY_HAND)
  scene(`by hand: ${title}`, async (world) => {
    const { status, stderr } = await world.host.exec(["sh", "-euc", commands]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
