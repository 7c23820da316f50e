import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "threads",
    setupFiles: ["test/support/native.ts"],
    // Tests wait for programs more than they work, so each processor takes one, the last one too.
    maxWorkers: "100%",
    // Rows of test/differential wait more than they work.
    maxConcurrency: 10,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
