import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { pagesText } from "./scripts/pages.mjs";

export default defineConfig({
  // As in scripts/bundle.mjs.
  define: { PONTOON_PAGES: JSON.stringify(pagesText()) },
  test: {
    // test/cluster is for scripts/test-cluster.
    include: ["test/!(cluster)/**/*.test.ts"],
    // Processes, not threads: starting a program copies the page tables of all that its starter has in
    // memory.
    pool: "forks",
    setupFiles: ["test/support/native.ts"],
    // Tests wait for the kernel and for programs a third of their time, so there are more of them than
    // processors.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Rows of test/differential wait more than they work.
    maxConcurrency: 10,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
