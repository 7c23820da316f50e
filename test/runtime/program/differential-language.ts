// What engines do by themselves: numbers, BigInt, text, patterns, order, disposal, generators.
//
// quickjs-ng 0.15.1 is wrong in these, which nothing in src uses: BigInt.asUintN of a multiple of 32 bits;
// Number() of a BigInt beyond 2^53 (the last digit); a BigInt below -2^53 compared with a number; groups of
// an earlier round of a repetition (`(?:(a)|b)*`); \p{Lu} with the flags iu; sets in classes (flag v). The
// last digit of toString(36) and of ** is its own.

import { randomBytes } from "../../unit/netlink/random.ts";
import type { Random } from "./differential-subjects.ts";
import { outcome, show } from "./differential-text.ts";

function randomDouble(random: Random): number {
  const view = new DataView(new ArrayBuffer(8));
  switch (random(5)) {
    case 0:
      return random(2 ** 31) - random(2 ** 31);
    case 1:
      return (random(1e6) - 5e5) / 10 ** random(25);
    case 2:
      return random(1e6) * 10 ** random(25);
    case 3:
      return [2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64, 1e21][random(6)]! + random(5) - 2;
    default:
      for (let at = 0; at < 8; at++) view.setUint8(at, random(256));
      return view.getFloat64(0);
  }
}

function randomBigInt(random: Random): bigint {
  const edge = [31n, 32n, 33n, 53n, 62n, 63n, 64n, 65n, 96n, 127n, 128n, 129n, 0n, 1n][random(14)]!;
  let value = (1n << edge) + BigInt(random(9) - 4);
  if (random(3) === 0)
    for (const byte of randomBytes(random, random(20))) value = (value << 8n) | BigInt(byte);
  return random(3) === 0 ? -value : value;
}

const PATTERNS = [
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
  /[:.-]/g,
  /../g,
  /[\p{C}\u2028\u2029]/u,
  /^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*(?:\\(?:u[0-9a-fA-F]{0,3})?)?$/,
  /[.!?]$/,
  /["\\]/g,
  /^\s+at /,
  /^at /,
  /\s+/,
  /^[+-]?\d+$/,
  /(?<=a)b|c(?!d)/g,
  /(?<!\d)\.\d+/g,
  /\p{Lu}/u,
  /[^\w]/iu,
  /(a*)*b/,
  /\b./gs,
  /^.*$/gm,
  /(?<x>.)\k<x>/u,
  /[ſs]/iu,
  /\u212a/iu,
  /\w/giu,
  /(?=(a+))a*b\1/,
  /[\s\S]{2,3}?x/g,
  /^(?:.|\ud800)+$/u,
  /\ud83d/,
  /[^]/u,
  /ß/i,
  /İ/iu,
];
const STICKY =
  /[ \t\n\r]*("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/y;
const LETTERS = [
  "a",
  "b",
  "c",
  "d",
  "x",
  "A",
  "s",
  "ſ",
  "K",
  "\u212a",
  "ß",
  "ẞ",
  "İ",
  "ı",
  "é",
  " ",
  "\n",
  "\u2028",
  "\u00a0",
  "\ufeff",
  "\u180e",
  "0",
  "5",
  ".",
  ":",
  "-",
  '"',
  "\\",
  "u00e9",
  "at ",
  "\ud83d",
  "\ude00",
  "\u{1f600}",
  "!",
  "true",
  "-1.5e+3",
  "ǆ",
  "ﬁ",
  "Σ",
  "ς",
  "\u0345",
  "e\u0301",
];

function word(random: Random, most = 14): string {
  let text = "";
  for (let left = random(most); left > 0; left--)
    text += random(12) === 0 ? String.fromCodePoint(random(0x110000)) : LETTERS[random(LETTERS.length)]!;
  return text;
}

function disposal(random: Random): string {
  const said: string[] = [];
  const resource = (name: string, fails: boolean): Disposable => ({
    [Symbol.dispose]: () => {
      said.push(name);
      if (fails) throw new RangeError(name);
    },
  });
  const flags = Array.from({ length: 8 }, () => random(2) === 0);
  function* numbers(): Generator<number, string> {
    using _own = resource("generator", flags[0]!);
    try {
      for (let at = 0; at < 5; at++) yield at;
      return "end";
    } finally {
      said.push("generator finally");
      if (flags[1]!) yield 99;
      if (flags[2]!) throw new SyntaxError("from finally");
    }
  }
  const inner = (): string => {
    try {
      using _a = resource("a", flags[3]!);
      for (const number of numbers()) {
        using _b = flags[7]! ? undefined : resource(`b${number}`, flags[4]! && number === 2);
        if (number === random(6)) break;
        if (number === 3 && flags[5]!) throw new TypeError("body");
        if (number === 4) return "returned";
      }
      return "after";
    } finally {
      said.push("finally");
      if (flags[6]!) throw new EvalError("finally");
    }
  };
  const tell = (error: unknown): string =>
    error instanceof SuppressedError
      ? `suppressed(${tell(error.error)}, ${tell(error.suppressed)})`
      : error instanceof Error
        ? `${error.name} ${error.message}`
        : String(error);
  try {
    said.push(inner());
  } catch (error) {
    said.push(tell(error));
  }
  return said.join("; ");
}

export const language: Record<string, (random: Random) => string> = {
  number: (random) => {
    const value = randomDouble(random);
    const text = `${random(2) === 0 ? "-" : ""}${random(10 ** random(9))}${random(2) === 0 ? `.${"0".repeat(random(9))}${random(1e9)}` : ""}${random(2) === 0 ? `e${random(700) - 350}` : ""}`;
    return show([
      value,
      JSON.stringify(value),
      Math.trunc(value % 2 ** 53).toString(2 + random(35)),
      value.toString(16),
      outcome(() => value.toFixed(random(8))),
      value.toPrecision(1 + random(18)),
      value.toExponential(random(15)),
      value | 0,
      value >>> 0,
      ~value,
      Math.floor(value),
      Math.round(value),
      Math.ceil(value),
      Math.trunc(value),
      value % 4294967296,
      Math.imul(value, 7919),
      Math.clz32(value),
      Number.parseInt(text, 16),
      Number.parseInt(text),
      Number(text),
      outcome(() => JSON.parse(text)),
      Number.isInteger(value),
      [...Uint8Array.of(value, value >>> 8)],
      Math.min(value, -0),
      Math.fround(value),
    ]);
  },
  big: (random) => {
    const [a, b] = [randomBigInt(random), randomBigInt(random)];
    const bits = random(130);
    const shift = BigInt(random(140));
    return show([
      a,
      b,
      a + b,
      a - b,
      a * b,
      outcome(() => a / b),
      outcome(() => a % b),
      a & b,
      a | b,
      a ^ b,
      ~a,
      -a,
      a << shift,
      a >> shift,
      b >> shift,
      a < b,
      a === b,
      BigInt.asIntN(bits, b),
      a.toString(2 + random(35)),
      Number(BigInt.asIntN(53, a)),
      BigInt(a.toString()),
      (a & ((1n << 128n) - 1n)).toString(16).padStart(32, "0"),
      outcome(() => BigInt(randomDouble(random))),
      outcome(() => BigInt(word(random, 3))),
      outcome(() => a ** BigInt(random(5))),
      BigInt(`0x${a < 0n ? "0" : a.toString(16)}`),
      [a, b].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)),
    ]);
  },
  text: (random) => {
    const [a, b] = [word(random), word(random, 4)];
    const at = random(16) - 4;
    return show([
      a,
      b,
      a.toUpperCase(),
      a.toLowerCase(),
      a.trim(),
      a.trimEnd(),
      a.split(b),
      a.split(/\s+/),
      a.indexOf(b, at),
      a.lastIndexOf(b, at),
      a.slice(at, random(9)),
      a.substring(at, 3),
      a.at(at),
      a.codePointAt(at),
      a.padStart(random(20), b),
      a.padEnd(random(20), b || "-"),
      a.replaceAll(b, "[$&$`$'$$]"),
      a.includes(b),
      a.startsWith(b, at),
      a.endsWith(b),
      [...a].length,
      a < b,
      a.isWellFormed(),
      a.toWellFormed(),
      String.raw`\n${a}\u`,
      a.localeCompare(a),
      a.concat(b, a),
      a.repeat(random(3)),
      a === b,
      JSON.stringify(a),
      encodeURIComponent(a.toWellFormed()),
      a.charCodeAt(at),
      [a, b, "a", "B", "ä"].sort(),
    ]);
  },
  pattern: (random) => {
    const text = word(random, 24);
    const pattern = PATTERNS[random(PATTERNS.length)]!;
    pattern.lastIndex = 0;
    STICKY.lastIndex = random(4);
    const found = pattern.exec(text);
    const results = [
      found,
      found?.index,
      pattern.lastIndex,
      found?.groups,
      STICKY.exec(text),
      STICKY.lastIndex,
    ];
    pattern.lastIndex = 0;
    return show([
      pattern.source,
      text,
      results,
      text.replace(pattern, "<$&|$1|$`>"),
      text.split(pattern, 9),
      pattern.global
        ? [...text.matchAll(pattern)].map((each) => [each.index, [...each]])
        : text.search(pattern),
      text.replaceAll(
        new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`),
        (all) => `(${all.length})`,
      ),
    ]);
  },
  order: (random) => {
    const list = Array.from({ length: random(60) }, (_, at) => [random(6), at, word(random, 3)] as const);
    const map = new Map<unknown, number>();
    for (const [key, at, name] of list) {
      map.set(random(2) === 0 ? key : name, at);
      if (random(4) === 0) map.delete(random(6));
    }
    const object: Record<string, number> = {};
    for (const [key, at, name] of list)
      object[random(2) === 0 ? String(key * [1, -1, 1e9, 1.5][random(4)]!) : name] = at;
    for (const key of Object.keys(object)) if (random(4) === 0) delete object[key];
    return show([
      list.toSorted(([a], [b]) => a - b),
      [...list].sort(([, , a], [, , b]) => (a < b ? -1 : a > b ? 1 : 0)),
      list.map(([, , name]) => name).sort(),
      map,
      object,
      { ...object, ...Object.fromEntries(list.map(([key, at]) => [key, at])) },
      JSON.stringify(object),
      list.map(([, at]) => (at * 7) % 13).sort(),
      Object.groupBy(list, ([key]) => String(key)),
      list.findLast(([key]) => key === 2),
      list.flatMap(([a, b]) => (a > 2 ? [a, b] : [])),
      [...new Set(list.map(([, , name]) => name))],
      list.toReversed().length,
      list.toSpliced(random(9), random(4)).length,
      JSON.parse(JSON.stringify(object)),
    ]);
  },
  disposal,
};
