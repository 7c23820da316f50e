import { defineConfig } from "vitest/config";

/** `require("./x.ts")`, with the type behind it: how src loads a module late (scripts/late-modules.mjs). */
const LATE = /require\("(\.\.?\/[^"]+\.ts)"\)( as typeof import\("[^"]+"\))?/g;

/**
 * In the executable a late module shares what is loaded anyway. A plain require in a test would give it modules of its own,
 * with classes of its own, so here late modules are imported like all others.
 */
const importLateModules = {
  name: "import-late-modules",
  enforce: "pre" as const,
  transform(code: string, id: string) {
    if (!/\/src\/.*\.ts$/.test(id) || code.search(LATE) === -1) return undefined;
    const imports: string[] = [];
    const text = code.replaceAll(LATE, (_all, path: string) => `late${imports.push(path) - 1}`);
    return imports.map((path, at) => `import * as late${at} from "${path}";\n`).join("") + text;
  },
};

export default defineConfig({
  plugins: [importLateModules],
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/native.ts"],
    pool: "threads",
    // Tests wait for programs more than they work, so each processor takes one, the last one too.
    maxWorkers: "100%",
    // Rows of test/differential wait more than they work.
    maxConcurrency: 10,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
