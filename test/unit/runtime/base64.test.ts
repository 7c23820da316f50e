// Base64 against Node's.
import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../../src/runtime/base64.ts";

test.each(["", "a", "ab", "abc", "abcd", '{"name":"pods"}', "äöü €", "\u0000\u00ff\n".repeat(100)])(
  "%j: written as Node writes it, and read again",
  (text) => {
    expect(toBase64(text)).toBe(Buffer.from(text).toString("base64"));
    expect(fromBase64(toBase64(text))).toBe(text);
  },
);

test.each(["a", "ab=", "ab==c", "====", "a b=", "ab*="])("%j is no base64", (text) => {
  expect(fromBase64(text)).toBeUndefined();
});
