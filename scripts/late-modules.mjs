// An esbuild plugin for modules of ours that are loaded late, with require("./x.ts").
//
// esbuild hoists the functions of such a module to the top of the bundle, and the engine makes every function of the top
// at each start, needed or not. So the module is bundled on its own first, with all that only late modules use (packages
// too), and esbuild then closes it into one function: nothing in it is made before it is required. What the program loads
// anyway stays outside and is shared, so a class is the same one everywhere. What two late modules share and the program
// does not load is in both: such modules keep no state.
import { dirname, resolve } from "node:path";
import { build } from "esbuild";

const NAMESPACE = "late";
const OURS = /^\.\.?\/.*\.ts$/;

/** Modules of plain constants: esbuild puts the numbers in the place of the names, so there is nothing to share. */
const CONSTANTS = /\/uapi\/[^/]+\.ts$/;

export const lateModules = {
  name: "late-modules",
  async setup({ onResolve, onLoad, initialOptions }) {
    const entry = resolve(initialOptions.entryPoints[0]);
    const early = await modulesLoadedAtStart(entry);
    onResolve({ filter: OURS }, ({ kind, path, importer }) =>
      kind === "require-call" ? { path: resolve(dirname(importer), path), namespace: NAMESPACE } : undefined,
    );
    // What a late module leaves outside is named by its whole path.
    onResolve({ filter: /^\//, namespace: NAMESPACE }, ({ path }) => ({ path }));
    onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => {
      if (early.has(path)) throw new Error(`${path} is required late, but something loads it at the start anyway`);
      return { contents: asCommonJs(await bundleAlone(path, early, initialOptions)), loader: "js" };
    });
  },
};

/** The files that the entry reaches by import statements alone. */
async function modulesLoadedAtStart(entry) {
  const early = new Set([entry]);
  const follow = {
    name: "follow-imports",
    setup({ onResolve }) {
      onResolve({ filter: OURS }, ({ kind, path, importer, resolveDir }) => {
        if (kind === "require-call") return { path, external: true };
        const file = resolve(importer === "" ? resolveDir : dirname(importer), path);
        if (!CONSTANTS.test(file)) early.add(file);
        return { path: file };
      });
    },
  };
  await build({ entryPoints: [entry], bundle: true, write: false, platform: "node", format: "esm", packages: "external", plugins: [follow], logLevel: "silent" });
  return early;
}

/** The module with what only late modules use, as an ES module. */
async function bundleAlone(path, early, { target, minify, legalComments, define, plugins }) {
  const outside = {
    name: "outside",
    setup({ onResolve }) {
      onResolve({ filter: OURS }, ({ kind, path: name, importer, resolveDir }) => {
        const file = resolve(importer === "" ? resolveDir : dirname(importer), name);
        return early.has(file) ? { path: file, external: true } : undefined;
      });
    },
  };
  const others = plugins.filter(({ name }) => name !== lateModules.name);
  const { outputFiles } = await build({
    entryPoints: [path], bundle: true, write: false, platform: "node", format: "esm", target, minify, legalComments, define, plugins: [...others, outside], logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** The one `export{a as b};` at the end becomes an assignment to module.exports; the import statements stay, and bind to what is loaded. */
function asCommonJs(text) {
  const found = /export\s*\{([^}]*)\};?\s*$/.exec(text);
  if (found === null) throw new Error("a late module exports nothing");
  const pairs = found[1].split(",").map((item) => item.trim()).filter((item) => item !== "");
  const fields = pairs.map((pair) => {
    const [inner, outer = inner] = pair.split(/\s+as\s+/);
    return `${outer}: ${inner}`;
  });
  return `${text.slice(0, found.index)}\nmodule.exports = { ${fields.join(", ")} };\n`;
}
