// The TypeScript as one ES module for the engine.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"));

/** Bundles the module `entry`, which exports `main`, into `outfile`. */
export async function bundleSource(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    // Neither Node nor a browser: what asks for one of them does not build.
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    // As new as the engine: `using` stays, which as a function of its own would cost each call its making.
    target: "esnext",
    // Names stay, for the trace of an internal error.
    minifySyntax: true,
    legalComments: "none",
    define: { PONTOON_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  });
}
