import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorKinds } from "../../../src/cni/error.ts";

test("docs/errors.md explains every code that can be printed, with its title, and no other", () => {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const explained = [...page.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].map(
    ([, code, title]) => `${code} ${title?.trim()}`,
  );
  expect(explained).toEqual(Object.values(errorKinds).map(({ code, title }) => `${code} ${title}`));
});
