// Things in which engines have differed, as text. The engine of the executable and that of the tests have to
// give the same.

import { native } from "../../../src/sys/native.ts";
import { writeAll } from "../../../src/sys/stream.ts";

const show = (value: unknown): string =>
  typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));

function failure(action: () => unknown): string {
  try {
    return show(action());
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

const NUMBERS = [
  0,
  -0,
  0.1,
  1e21,
  1e-7,
  123456789012345680000,
  5e-324,
  1.7976931348623157e308,
  2 ** 53,
  -1.5,
  4294967295,
  NaN,
  Infinity,
];

export function results(): Record<string, unknown> {
  return {
    numbers: NUMBERS.map((number) => [String(number), number.toString(16), JSON.stringify(number)]),
    parsed: ["1e400", "0x1f", " 12 ", "1_0", "", "-0", "9007199254740993"].map((text) =>
      String(Number(text)),
    ),
    bits: [1 << 31, 1 << 32, -1 >>> 0, (2 ** 32) | 0, 0xc6290004 | 0, ~5],
    big: [
      0xffffffffffffffffn + 1n,
      -7n / 2n,
      -7n % 2n,
      BigInt("0xfd00000000000000"),
      (2n ** 127n) >> 3n,
      BigInt(2 ** 53),
    ].map(show),
    bigFailures: [() => BigInt("x"), () => BigInt(1.5), () => JSON.stringify({ a: 1n })].map(failure),
    json: [
      '{"a":1,"a":2,"__proto__":3}',
      '"\\ud800"',
      "[1e400]",
      '{"2":1,"1":2,"b":3,"a":4}',
      '"\\u0000"',
    ].map((text) => JSON.stringify(JSON.parse(text))),
    jsonFailures: ["{'a':1}", "[1,]", "\ufeff{}", "01", '"\n"', "nul", "", "+1", ".5", '{"a"}'].map((text) =>
      failure(() => JSON.parse(text)),
    ),
    jsonOut: [
      JSON.stringify({ u: undefined, f: () => 1, n: null, d: [undefined] }),
      JSON.stringify("\u2028\ud800x\ude00"),
      JSON.stringify({ a: [1, { b: 2 }] }, undefined, 4),
    ],
    sorted: ["b", "a", "B", "ä", "z", "10", "9", "\ud83d\ude00", "\uffff"].sort(),
    stable: Array.from({ length: 50 }, (_, at) => [at % 3, at] as const)
      .sort(([a], [b]) => a - b)
      .map(([, at]) => at),
    upper: ["ß", "ŉ", "İ", "ǆ", "ﬁ"].map((text) => [text.toUpperCase(), text.toLowerCase()]),
    trimmed: "\u0085\u00a0\ufeff a \u2003\u180e".trim(),
    patterns: [
      /^\p{L}+$/u.test("größe"),
      /(?<y>\d{4})-(?<m>\d\d)/.exec("in 2026-11")?.groups?.["m"],
      "aXbX".replaceAll("X", "$&$&"),
      "a1b22".replace(/\d+/g, (digits) => `<${digits}>`),
      /(?<=a)b/.test("ab"),
      /[\u{1f600}-\u{1f64f}]/u.test("\u{1f602}"),
      "x".split(/(?:)/u),
      /\bfoo\b/iy.test("FOO"),
      [..."a1b2".matchAll(/[a-z]\d/g)].map(String),
      /^.$/su.test("\n"),
    ],
    pieces: [
      "a,b,,c".split(",", 3),
      "abc".at(-1),
      "\u{1f600}".length,
      [..."\u{1f600}x"].length,
      "abc".padStart(5, "-"),
      "a-b".localeCompare("a_b") !== 0,
    ],
    lists: [
      [1, [2, [3]]].flat(Infinity),
      [3, 1, 2].toSorted(),
      [1, 2, 3].findLast((item) => item < 3),
      [1, 2, 3].with(1, 9),
      Array.from(new Set([1, 1, 2])),
    ],
    // BigInt.asUintN and asIntN are left out: quickjs-ng 0.15.1 gets them wrong, and
    // test/unit/structure.test.ts keeps them out of src.
    grouped: Object.groupBy([1, 2, 3], (item) => (item % 2 === 0 ? "even" : "odd")),
    wellFormed: ["a\ud800", "\u{1f600}"].map((text) => [text.isWellFormed(), text.toWellFormed()]),
    keys: Object.keys({ b: 1, 2: 1, a: 1, 1: 1 }),
    bytes: [
      [...Uint8Array.of(-1, 256, 1.9)],
      new Uint8Array([1, 2, 3, 4]).subarray(1, 3).length,
      new DataView(Uint8Array.of(1, 2, 3, 4).buffer).getUint32(0, true),
    ],
    encoded: ["é", "\u{1f600}", "\ud800", "a\udc00b", "\ud83d", "\0", "\ufeff"].map((text) => [
      ...native.encode(text),
    ]),
    decoded: [
      [0xff],
      [0xc3],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98],
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xef, 0xbb, 0xbf, 65],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82, 0xac, 0x80],
      [0],
    ].map((bytes) => native.decode(Uint8Array.from(bytes))),
    errors: [
      failure(() => {
        throw new RangeError("x");
      }),
      failure(() => (undefined as unknown as { a: number }).a),
      String(new TypeError("t")),
      new Error("a", { cause: 5 }).cause,
    ],
  };
}

/** Resources are given back in the opposite order, also after an exception. */
export function disposal(): string[] {
  const said: string[] = [];
  const resource = (name: string): Disposable => ({
    [Symbol.dispose]: () => {
      said.push(name);
    },
  });
  try {
    using _a = resource("a");
    using _b = resource("b");
    throw new Error("thrown");
  } catch (error) {
    said.push(String(error));
  }
  return said;
}

export function main(): number {
  writeAll(1, JSON.stringify({ ...results(), disposal: disposal() }), "stdout");
  return 0;
}
