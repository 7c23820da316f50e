import { expect, test } from "vitest";
import { listAttributes, readAttributes, readMessages, readText } from "../../../src/netlink/reader.ts";
import { Writer } from "../../../src/netlink/writer.ts";
import { randomBytes, randomSource } from "./random.ts";

function sampleAttributes(): Uint8Array {
  const w = new Writer();
  w.u32Attribute(1, 7).nest(18, () => w.string(1, "veth"));
  return w.written.slice();
}

function sample(): Uint8Array {
  const w = new Writer();
  w.message(16, 2, 1, () =>
    w
      .u32(1)
      .string(3, "eth0")
      .nest(18, () => w.string(1, "veth").nest(2, () => w.u32Attribute(1, 7))),
  );
  w.message(3, 2, 1, () => w.u32(0));
  return w.written.slice();
}

test("a message that was cut off anywhere is left out, and those before it are read", () => {
  const whole = sample();
  const first = readMessages(whole)[0];
  for (let length = 0; length < whole.length; length++) {
    const read = readMessages(whole.subarray(0, length));
    expect(read).toEqual(length >= 16 + (first?.payload.length ?? 0) ? [first] : []);
  }
});

test("attributes that were cut off anywhere are left out, and those before them are read", () => {
  const payload = readMessages(sample())[0]?.payload ?? new Uint8Array();
  const all = listAttributes(payload, 4);
  for (let length = 0; length < payload.length; length++) {
    const read = listAttributes(payload.subarray(0, length), 4);
    expect(read).toEqual(all.slice(0, read.length));
    expect(read.length).toBeLessThan(all.length);
  }
});

test.each([0, 1, 3])(
  "an attribute that says it is %i bytes long ends the reading instead of repeating it",
  (length) => {
    expect(listAttributes(Uint8Array.of(4, 0, 1, 0, length, 0, 2, 0, 4, 0, 3, 0))).toHaveLength(1);
  },
);

test.each([0, 1, 15, 0x7fffffff, 0x80000000, 0xfffffffd, 0xffffffff])(
  "a message that says it is %i bytes long ends the reading",
  (length) => {
    const bytes = sample();
    new DataView(bytes.buffer).setUint32(0, length, true);
    expect(readMessages(bytes)).toEqual([]);
  },
);

test("an attribute that claims more than there is, is not read into what comes behind", () => {
  const memory = new Uint8Array(64).fill(0x41);
  const bytes = memory.subarray(0, 12);
  bytes.set([5, 0, 1, 0, 0x42, 0, 0, 0, 60, 0, 2, 0]);
  expect(listAttributes(bytes)).toEqual([[1, Uint8Array.of(0x42)]]);
  expect(listAttributes(bytes, 100)).toEqual([]);
});

test("a value that is too short for what is asked is as good as none", () => {
  const attributes = readAttributes(Uint8Array.of(7, 0, 1, 0, 1, 2, 3, 0, 4, 0, 2, 0));
  expect(attributes.u32(1)).toBeUndefined();
  expect(attributes.be32(1)).toBeUndefined();
  expect(attributes.u8(2)).toBeUndefined();
  expect(attributes.string(2)).toBe("");
  expect(attributes.nest(2)?.u32(1)).toBeUndefined();
  expect([
    attributes.u8(3),
    attributes.u32(3),
    attributes.be32(3),
    attributes.string(3),
    attributes.bytes(3),
    attributes.nest(3),
  ]).toEqual(Array(6).fill(undefined));
});

test("numbers are read where their bytes stand, also in the middle of a buffer", () => {
  const bytes = Uint8Array.of(9, 9, 8, 0, 1, 0, 1, 2, 3, 4).subarray(2);
  expect(readAttributes(bytes).u32(1)).toBe(0x04030201);
  expect(readAttributes(bytes).be32(1)).toBe(0x01020304);
});

test("attributes are read where a message begins in the middle of a word", () => {
  const memory = Uint8Array.of(0, 0, 0, ...sampleAttributes());
  for (const attributes of [readAttributes(memory.subarray(3)), readAttributes(memory, 3)]) {
    expect(attributes.u32(1)).toBe(7);
    expect(attributes.nest(18)?.string(1)).toBe("veth");
    expect(attributes.nest(18)?.string(2)).toBeUndefined();
  }
});

test("a nest ends where its attribute ends, whatever stands behind", () => {
  const inner = readAttributes(Uint8Array.of(4, 0, 1, 0, 5, 0, 2, 0, 9, 0, 0, 0)).nest(1);
  expect([inner?.u8(2), inner?.bytes(2)]).toEqual([undefined, undefined]);
});

test("a type that is not noted cannot be asked for", () => {
  const attributes = readAttributes(Uint8Array.of(5, 0, 200, 0, 1, 0, 0, 0, 5, 0, 1, 0, 2, 0, 0, 0));
  expect(attributes.u8(1)).toBe(2);
  expect(() => attributes.u8(200)).toThrow(RangeError);
});

test("a text ends with its attribute where it has no NUL, although one stands behind", () => {
  const w = new Writer();
  w.bareString(1, "abcd").string(2, "ef");
  expect([readAttributes(w.written).string(1), readAttributes(w.written).string(2)]).toEqual(["abcd", "ef"]);
});

test("the last of two attributes of one type counts, and the flags are no part of a type", () => {
  const w = new Writer();
  w.u8Attribute(1, 1)
    .u8Attribute(1 | 0x8000, 2)
    .u8Attribute(2 | 0x4000, 3);
  expect([readAttributes(w.written).u8(1), readAttributes(w.written).u8(2)]).toEqual([2, 3]);
});

test("a text ends with its NUL, or with its bytes when it has none", () => {
  expect(readText(Uint8Array.of(0x61, 0x62, 0, 0x63))).toBe("ab");
  expect(readText(Uint8Array.of(0x61, 0x62))).toBe("ab");
  expect(readText(new Uint8Array())).toBe("");
});

test("rubbish is read to an end, whatever it is", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomSource(seed);
    const bytes = randomBytes(random, random(400));
    const values = [
      ...listAttributes(bytes).map(([, value]) => value),
      ...readMessages(bytes).map(({ payload }) => payload),
    ];
    const read = values.reduce((sum, value) => sum + value.length, 0);
    expect(read, `seed ${seed}`).toBeLessThanOrEqual(2 * bytes.length);
  }
});
