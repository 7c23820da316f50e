// An esbuild plugin for modules of ours that are loaded late, with require("./x.ts").
//
// esbuild hoists the functions of every module to the top of the bundle, and the engine makes every function of the top at
// each start, needed or not. So a late module is bundled on its own first, with all that only late modules use (packages
// too), and becomes the body of one function: nothing in it is made before it is required. What the program loads anyway
// stays outside and is shared, so a class is the same one everywhere; so is a late module that another one requires. What two
// late modules import and the program does not load is in both: such modules keep no state.
//
// Closing it as a CommonJS module is what esbuild would do by itself; but then it also closes all that the module imports,
// and every start pays for that.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { build } from "esbuild";

const NAMESPACE = "late";
const OURS = /^\.\.?\/.*\.ts$/;
const OURS_ON_DISK = /\.ts$/;
const REQUIRE = /\brequire\("(\.\.?\/[^"]+\.ts)"\)/g;

/** Modules of plain constants: esbuild puts the numbers in the place of the names, so there is nothing to share. */
const CONSTANTS = /\/uapi\/[^/]+\.ts$/;

export const lateModules = {
  name: "late-modules",
  async setup({ onResolve, onLoad, initialOptions }) {
    const early = await modulesLoadedAtStart(resolve(initialOptions.entryPoints[0]));
    onLoad({ filter: OURS_ON_DISK, namespace: "file" }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return early.has(path) ? { contents: requireByCall(source, dirname(path)), loader: "ts" } : undefined;
    });
    onResolve({ filter: /^late:/ }, ({ path }) => ({ path: path.slice(NAMESPACE.length + 1), namespace: NAMESPACE }));
    // What a late module leaves outside is named by its whole path.
    onResolve({ filter: /^\//, namespace: NAMESPACE }, ({ path }) => ({ path }));
    onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => {
      if (early.has(path)) throw new Error(`${path} is required late, but something loads it at the start anyway`);
      return { contents: asFunction(await bundleAlone(path, early, initialOptions)), loader: "js" };
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

/** The source with a call of the function in the place of each late require. */
function requireByCall(source, folder) {
  const imports = [];
  const text = source.replaceAll(REQUIRE, (_all, path) => `late${imports.push(resolve(folder, path)) - 1}()`);
  return imports.map((path, at) => `import { late as late${at} } from "${NAMESPACE}:${path}";\n`).join("") + text;
}

/** The module with what only late modules use, as an ES module. */
async function bundleAlone(path, early, { target, legalComments, define, plugins }) {
  const outside = {
    name: "outside",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: OURS }, ({ path: name, importer, resolveDir }) => {
        const file = resolve(importer === "" ? resolveDir : dirname(importer), name);
        return early.has(file) ? { path: file, external: true } : undefined;
      });
      onResolve({ filter: /^late:/ }, ({ path: name }) => ({ path: name, external: true }));
      // Import statements come to the top of the bundle, so that every start would load what a package takes of Node.
      onResolve({ filter: /^node:/ }, ({ kind, path: name }) => (kind === "require-call" ? { path: name, external: true } : { path: name, namespace: "node" }));
      onLoad({ filter: /.*/, namespace: "node" }, ({ path: name }) => ({ contents: `module.exports = require(${JSON.stringify(name)});`, loader: "js" }));
      onLoad({ filter: OURS_ON_DISK }, async ({ path: file }) => ({ contents: requireByCall(await readFile(file, "utf8"), dirname(file)), loader: "ts" }));
    },
  };
  const others = plugins.filter(({ name }) => name !== lateModules.name);
  const { outputFiles } = await build({
    entryPoints: [path], bundle: true, write: false, platform: "node", format: "esm", target, minifySyntax: true, legalComments, define, plugins: [...others, outside], logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** The imports stay at the top, all else goes into a function that gives what the module exports. */
function asFunction(text) {
  const imports = [];
  const body = text.replaceAll(/^import\s(?:[^;]*?from\s*)?"[^"]+";$/gm, (statement) => {
    // Ours are in the bundle; anything else would be loaded at every start.
    if (!/"(?:\/|late:)[^"]+";$/.test(statement)) throw new Error(`a late module would have this run at the start: ${statement}`);
    imports.push(statement);
    return "";
  });
  const found = /export\s*\{([^}]*)\};?\s*$/.exec(body);
  if (found === null) throw new Error("a late module exports nothing");
  const pairs = found[1].split(",").map((item) => item.trim()).filter((item) => item !== "");
  const fields = pairs.map((pair) => {
    const [inner, outer = inner] = pair.split(/\s+as\s+/);
    return `${outer}: ${inner}`;
  });
  return `${imports.join("\n")}
let loaded;
export function late() {
  if (loaded !== undefined) return loaded;
${body.slice(0, found.index)}
  return (loaded = { ${fields.join(", ")} });
}
`;
}
