import { expect, test } from "vitest";
import { listAttributes, readAttributes, readMessages } from "../../../src/netlink/reader.ts";
import { Writer } from "../../../src/netlink/writer.ts";
import { randomBytes, randomSource, randomTrees, type Tree } from "./random.ts";

function write(w: Writer, trees: Tree[]): void {
  for (const { type, value } of trees) {
    if (Array.isArray(value)) w.nest(type, () => write(w, value));
    else w.attribute(type, value);
  }
}

/** Reads with the tree at hand: bytes do not say whether they are a nest. */
function read(bytes: Uint8Array, like: Tree[]): Tree[] {
  return listAttributes(bytes).map(([type, value], at) => {
    const inside = like[at]?.value;
    return { type, value: Array.isArray(inside) ? read(value, inside) : value };
  });
}

test("what the writer writes the reader reads: random nested attributes", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const trees = randomTrees(randomSource(seed), 4);
    const w = new Writer();
    w.message(seed, 5, seed, () => write(w, trees));
    const [message, ...others] = readMessages(w.written);
    expect(others, `seed ${seed}`).toEqual([]);
    expect({ ...message, payload: undefined }, `seed ${seed}`).toEqual({
      type: seed,
      flags: 5,
      sequence: seed,
      port: 0,
      payload: undefined,
    });
    expect(read(message?.payload ?? new Uint8Array(), trees), `seed ${seed}`).toEqual(trees);
  }
});

test("numbers and texts come back as they went in", () => {
  const w = new Writer();
  w.u8Attribute(1, 0xfe)
    .u32Attribute(3, 0xfedcba98)
    .be32Attribute(4, 0xfedcba98)
    .string(5, "größe")
    .nest(6, () => w.string(1, ""));
  const attributes = readAttributes(w.written);
  expect(attributes.u8(1)).toBe(0xfe);
  expect(attributes.u32(3)).toBe(0xfedcba98);
  expect(attributes.be32(4)).toBe(0xfedcba98);
  expect(attributes.string(5)).toBe("größe");
  expect(attributes.nest(6)?.string(1)).toBe("");
});

test("every attribute and message starts at a multiple of four, and the filling is zeros that no length counts", () => {
  for (const length of [0, 1, 2, 3, 4, 5]) {
    const w = new Writer();
    w.message(1, 0, 1, () => w.attribute(7, new Uint8Array(length).fill(0xff)));
    w.message(2, 0, 2, () => w.u8(0xff));
    const padded = (length + 3) & ~3;
    expect(w.written.length).toBe(16 + 4 + padded + 20);
    expect(w.written.subarray(20 + length, 20 + padded)).toEqual(new Uint8Array(padded - length));
    expect(readMessages(w.written).map(({ type }) => type)).toEqual([1, 2]);
    expect(w.written[16]).toBe(4 + length);
  }
});

test("a buffer that grows in the middle of a nest loses nothing", () => {
  const random = randomSource(7);
  for (let lead = 1000; lead <= 1040; lead++) {
    const before = randomBytes(random, lead);
    const inside = randomBytes(random, 3000);
    const w = new Writer();
    w.message(1, 0, 9, () => {
      w.attribute(1, before);
      w.nest(2, () =>
        w
          .u32Attribute(3, 0x01020304)
          .be32Attribute(4, 0x01020304)
          .nest(5, () => w.attribute(6, inside))
          .u8Attribute(7, 8),
      );
    });
    const [message] = readMessages(w.written);
    const attributes = readAttributes(message?.payload ?? new Uint8Array());
    expect(attributes.bytes(1)).toEqual(before);
    expect(attributes.nest(2)?.u32(3)).toBe(0x01020304);
    expect(attributes.nest(2)?.be32(4)).toBe(0x01020304);
    expect(attributes.nest(2)?.nest(5)?.bytes(6)).toEqual(inside);
    expect(attributes.nest(2)?.u8(7)).toBe(8);
  }
});
