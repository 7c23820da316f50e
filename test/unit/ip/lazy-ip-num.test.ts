// The build changes ip-num on its way into the bundle; it must stay the same library.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildResult, build } from "esbuild";
import { afterAll, expect, test } from "vitest";
// @ts-expect-error A script without types.
import { lazyIpNum } from "../../../scripts/lazy-ip-num.mjs";

const root = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join("/tmp", "lazy-ip-num-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Says every static constant of the package, then works with text, which reaches every module.
const WITNESS = `
  const numbers = require("ip-num/dist/src/IPNumber.js"), ranges = require("ip-num/dist/src/IPRange.js");
  const { Validator } = require("ip-num/dist/src/Validator.js");
  const words = (value) => Array.isArray(value) ? value.map(words) : value instanceof RegExp ? String(value) : value?.toCidrString?.() ?? String(value);
  const statics = {};
  for (const [name, owner] of Object.entries({ IPv4: numbers.IPv4, IPv6: numbers.IPv6, Validator }))
    for (const key of Object.keys(owner)) statics[name + "." + key] = [words(owner[key]), words(owner[key])];
  const cidr = ranges.IPv4CidrRange.fromCidr("10.1.0.0/16"), six = ranges.IPv6CidrRange.fromCidr("fd00::/64");
  console.log(JSON.stringify([statics, cidr.getLast().toString(), six.getLast().toString(), numbers.IPv4.fromNumber(10n).isPrivate(),
    numbers.IPv6.fromHexadecatet("fe80::1").getKind(), cidr.split().map(words), new numbers.IPv4Mask("255.255.0.0").prefix]));
`;

test("with its tables and modules made lazy, ip-num answers as before", async () => {
  const plain = await answer("plain", []);
  expect(Object.keys(plain[0]).length).toBeGreaterThan(30);
  expect(await answer("lazy", [lazyIpNum])).toEqual(plain);
});

test("loading the numbers and ranges reads no table and none of the modules for text", async () => {
  await bundle("load", `require("ip-num/dist/src/IPNumber.js"); require("ip-num/dist/src/IPRange.js");`, [lazyIpNum]);
  const text = readFileSync(join(folder, "load.cjs"), "utf8");
  expect(text).toContain(`defineProperty(IPv6, "MULTICAST_RANGE"`);
  expect(text).not.toMatch(/^ *(IPv[46]|Validator)\.[A-Z0-9_]+ = /m);
  expect(text).not.toMatch(/^ *(var|const) \w+_\d+ = require_/m);
});

async function answer(name: string, plugins: unknown[]): Promise<[object, ...unknown[]]> {
  await bundle(name, WITNESS, plugins);
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, `${name}.cjs`)], { encoding: "utf8", timeout: 20_000 });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

function bundle(name: string, source: string, plugins: unknown[]): Promise<BuildResult> {
  writeFileSync(join(folder, `${name}.js`), source);
  return build({
    entryPoints: [join(folder, `${name}.js`)], outfile: join(folder, `${name}.cjs`), bundle: true, platform: "node", format: "cjs",
    nodePaths: [join(root, "node_modules")], plugins: plugins as never, logLevel: "silent",
  });
}
