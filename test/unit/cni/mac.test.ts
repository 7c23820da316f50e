import { expect, test } from "vitest";
import { readMac } from "../../../src/cni/mac.ts";
import { Problems } from "../../../src/cni/problems.ts";

const read = (text: string) => {
  const problems = new Problems();
  return readMac(text, "mac", problems) ?? problems.texts.join();
};

test.each(["02:58:0a:01:00:fe", "02:58:0A:01:00:FE", "02-58-0a-01-00-fe", "0258.0a01.00fe"])(
  "%s has one form",
  (text) => {
    expect(read(text)).toBe("02:58:0a:01:00:fe");
  },
);

test.each([
  "zz",
  "",
  "02:58:0a:01:00",
  "02:58:0a:01:00:05:06",
  "02:58-0a:01:00:05",
  "02580a010005",
  "a:58:0a:01:00:05",
  " 02:58:0a:01:00:05",
  "02:58:0a:01:00:05\n",
  "02:58:0a:01:00:0g",
  "02:00:5e:10:00:00:00:01",
])("%j is none", (text) => {
  expect(read(text)).toBe(
    `mac ${JSON.stringify(text)}: invalid MAC address; write six bytes, as in 02:58:0a:01:00:05`,
  );
});

test("what no interface can have is refused", () => {
  expect(read("01:00:5e:00:00:01")).toBe(
    'mac "01:00:5e:00:00:01": is a multicast address, which no interface can have; the first byte must be even',
  );
  expect(read("FF-FF-FF-FF-FF-FF")).toContain("is a multicast address");
  expect(read("0000.0000.0000")).toBe('mac "0000.0000.0000": is all zero, which no interface can have');
});
