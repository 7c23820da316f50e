// The TypeScript runs in two engines: in that of the executable, and in that of the tests in process.
import { expect, test } from "vitest";
import { program } from "../support/engine.ts";
import { run } from "../support/process.ts";
import { disposal, results } from "./program/language.ts";

test("the engine of the executable does what the engine of the tests does, and encodes text as the Encoding Standard says", async () => {
  using made = await program("language.ts");
  const { stdout } = await run([made.path]);
  const here = { ...results(), disposal: disposal() } as Record<string, unknown>;
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(here)));
  expect(here["encoded"]).toEqual(
    ["é", "\u{1f600}", "\ud800", "a\udc00b", "\ud83d", "\0", "\ufeff"].map((text) => [
      ...new TextEncoder().encode(text),
    ]),
  );
});
