// An esbuild plugin: what ip-num prepares while it loads is made when it is first asked for, not at every start.
//
// ip-num fills `IPv4.PRIVATE_RANGES`, `IPv6.MULTICAST_RANGE`, `Validator.IPV6_PATTERN` and their like while its modules
// load: fifteen CIDRs are parsed with large patterns, although nothing here reads one of them. Each such statement
// becomes a getter with the same expression and the same result. And a module loads its neighbours where it uses them:
// the numbers and ranges that Pontoon compares never reach the modules that read text.
import { readFile } from "node:fs/promises";

/** A statement at the start of a line, `Class.CONSTANT = expression;`, perhaps over several lines. */
const STATIC = /^(IPv4|IPv6|Validator)\.([A-Z0-9_]+) = ([\s\S]*?);$/gm;

/** `const Octet_1 = require("./Octet");` as the TypeScript compiler wrote it. */
const REQUIRE = /^const (\w+_\d+) = (require\("\.\/\w+"\));$/gm;

function lazyStatics(source) {
  return source.replace(STATIC, (_statement, owner, name, expression) =>
    `Object.defineProperty(${owner}, "${name}", { configurable: true, enumerable: true, get() {
  const value = ${expression};
  Object.defineProperty(${owner}, "${name}", { configurable: true, enumerable: true, writable: true, value });
  return value;
} });`);
}

// esbuild makes each require a call that runs the module once and remembers it.
function lazyRequires(source) {
  const requires = new Map();
  const rest = source.replace(REQUIRE, (_statement, name, call) => {
    requires.set(name, call);
    return "";
  });
  return rest.replace(/\b\w+_\d+\b/g, (word) => requires.get(word) ?? word);
}

/** The plugin. The build stops if ip-num no longer has such statements, since the gain would be lost without a word. */
export const lazyIpNum = {
  name: "lazy-ip-num",
  setup(build) {
    build.onLoad({ filter: /[\\/]ip-num[\\/]dist[\\/]src[\\/]\w+\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const lazy = lazyStatics(source);
      if (lazy === source && /IPNumber\.js$/.test(path)) return { errors: [{ text: `${path} has no static constants to make lazy` }] };
      return { contents: lazyRequires(lazy), loader: "js" };
    });
  },
};
