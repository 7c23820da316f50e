#!/usr/bin/env node
// Builds dist/pontoon-agent.cjs: the agent for Kubernetes (agent/) and its packages as one script for Node.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const usage = `usage: node scripts/build-agent.mjs [--out-dir DIR]

Builds DIR/pontoon-agent.cjs (dist): the agent in one file, which needs Node 24 and no packages.
`;

const { values: options } = parseArgs({
  options: {
    "out-dir": { type: "string", default: "dist" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const outDir = resolve(root, options["out-dir"]);
mkdirSync(outDir, { recursive: true });

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["agent/main.ts"],
  write: false,
  bundle: true,
  platform: "node",
  target: "node24",
  // Node's loader of ES modules takes 5 MB of memory.
  format: "cjs",
  minifySyntax: true,
  // Node keeps the text in memory.
  minifyWhitespace: true,
  legalComments: "none",
  define: { PONTOON_VERSION: JSON.stringify(version) },
  logLevel: "warning",
});
const text = outputFiles[0]?.text ?? "";
const file = join(outDir, "pontoon-agent.cjs");
const temporary = join(outDir, `.pontoon-agent.${process.pid}.new`);
writeFileSync(temporary, text);
renameSync(temporary, file);
console.log(`${join(options["out-dir"], "pontoon-agent.cjs")}  ${(text.length / 1e6).toFixed(1)} MB`);
