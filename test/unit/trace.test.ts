// The bench puts a stop watch into a copy of src; whoever renames what it names hears of it here.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeTraced } from "../../bench/trace.ts";

test("every phase of the benchmark is still in the sources", () => {
  const folder = mkdtempSync(join(tmpdir(), "pontoon-trace-"));
  try {
    expect(() => writeTraced(join(folder, "src"))).not.toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
