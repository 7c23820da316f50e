import { expect, test } from "vitest";
import { normaliseKeys } from "../../../src/cni/keys.ts";

const KNOWN = {
  name: "text",
  isGateway: true,
  ipam: { type: "text", ranges: [[{ rangeStart: "text" }]] },
} as const;
const normalised = (text: string) => normaliseKeys(JSON.parse(text), KNOWN);

test("keys are known in any case, on every level and inside of lists", () => {
  expect(
    normalised(
      '{"NAME":"a","isgateway":true,"IPAM":{"Type":"x","RANGES":[[{"RANGESTART":"1"}],[{"rangestart":"2"}]]}}',
    ),
  ).toEqual({
    name: "a",
    isGateway: true,
    ipam: { type: "x", ranges: [[{ rangeStart: "1" }], [{ rangeStart: "2" }]] },
  });
});

test("the right spelling wins, wherever it stands", () => {
  expect(normalised('{"name":"right","NAME":"other"}')).toEqual({ name: "right" });
  expect(normalised('{"NAME":"other","name":"right"}')).toEqual({ name: "right" });
});

test("of several other spellings, and of several equal keys, the last one counts", () => {
  expect(normalised('{"NAME":"1","Name":"2"}')).toEqual({ name: "2" });
  expect(normalised('{"name":"1","name":"2"}')).toEqual({ name: "2" });
});

test("null means absent", () => {
  expect(normalised('{"name":null,"ipam":null}')).toEqual({});
  expect(normalised('{"name":null,"NAME":"a"}')).toEqual({ name: "a" });
});

test("unknown keys are dropped, also those of Object.prototype", () => {
  const result = normalised(
    '{"__proto__":{"name":"x"},"constructor":1,"toString":2,"ipam":{"__proto__":{"type":"x"},"hasOwnProperty":3}}',
  );
  expect(result).toEqual({ ipam: {} });
  expect((result as { name?: string }).name).toBeUndefined();
});

test("the given value is not changed", () => {
  const value = Object.freeze({ NAME: "a", ipam: Object.freeze({ TYPE: "b" }) });
  expect(normaliseKeys(value, KNOWN)).toEqual({ name: "a", ipam: { type: "b" } });
});

test("lists nested without end are left alone", () => {
  for (const key of ["ranges", "type"]) {
    const deep = `{"ipam":{"${key}":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
    expect(() => normalised(deep)).not.toThrow();
  }
});

test("objects nested without end are left out, known keys or not", () => {
  for (const key of ["ipam", "ranges", "other"]) {
    const deep = `{"ipam":${`{"${key}":`.repeat(5000)}0${"}".repeat(5000)}}`;
    expect(JSON.stringify(normalised(deep)).length).toBeLessThan(40);
  }
});

test("a list is read as deep as the tree says, and an object in its place as one of its items", () => {
  expect(normalised('{"ipam":{"ranges":{"RANGESTART":"1"}}}')).toEqual({
    ipam: { ranges: { rangeStart: "1" } },
  });
  // The flat list that go-cni sends.
  expect(normalised('{"ipam":{"ranges":[{"RANGESTART":"1"}]}}')).toEqual({
    ipam: { ranges: [{ rangeStart: "1" }] },
  });
  expect(normalised('{"ipam":{"ranges":[[[{"RANGESTART":"1"}]]]}}')).toEqual({
    ipam: { ranges: [[[{ RANGESTART: "1" }]]] },
  });
  expect(normalised('{"ipam":[{"TYPE":"x"}]}')).toEqual({ ipam: [{ TYPE: "x" }] });
});

test.each([null, 5, "x", true, []])("%j comes back as it is", (value) => {
  expect(normaliseKeys(value, KNOWN)).toEqual(value);
});
