// An esbuild plugin for modules of ours that are loaded late, with require("./x.ts").
//
// esbuild hoists the functions of such a module to the top of the bundle, and the engine makes every function of the top
// at each start. So the module is bundled on its own first, as CommonJS: esbuild then closes it into one function, and
// nothing in it is made before it is required. In Pontoon that is zod with the schema, a third of all functions.
import { dirname, join } from "node:path";
import { build } from "esbuild";

const NAMESPACE = "closed";

export const closedModules = {
  name: "closed-modules",
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, importer }) =>
      kind === "require-call" ? { path: join(dirname(importer), path), namespace: NAMESPACE } : undefined,
    );
    onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => {
      const { target, minify, legalComments, define } = initialOptions;
      const { outputFiles } = await build({
        entryPoints: [path], bundle: true, write: false, platform: "node", format: "cjs", target, minify, legalComments, define, logLevel: "warning",
      });
      return { contents: outputFiles[0].text, loader: "js" };
    });
  },
};
