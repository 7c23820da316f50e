// The tests against a real cluster, one after the other, since all use the one that scripts/test-cluster
// started.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [process.env["STAGE"] === "kind" ? "test/cluster/kind/*.test.ts" : "test/cluster/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
