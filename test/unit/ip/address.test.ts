import { isIP } from "node:net";
import { expect, test } from "vitest";
import {
  addressBytes,
  addressFromBytes,
  familyBits,
  formatAddress,
  parseAddress,
  sameAddress,
} from "../../../src/ip/address.ts";

// What Go 1.26's net.ParseIP(text).String() says; undefined where ParseIP gives nil.
const GO: [string, string | undefined][] = [
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["10.1.2.3", "10.1.2.3"],
  ["", undefined],
  ["1", undefined],
  ["1.2.3", undefined],
  ["1.2.3.4.5", undefined],
  ["256.1.1.1", undefined],
  ["01.2.3.4", undefined],
  ["1.2.3.04", undefined],
  ["1.2.3.4 ", undefined],
  [" 1.2.3.4", undefined],
  ["1..2.3", undefined],
  ["1.2.3.", undefined],
  ["0x1.2.3.4", undefined],
  ["1.2.3.4/8", undefined],
  ["-1.2.3.4", undefined],
  ["1.2.3.٤", undefined],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["FD00::A", "fd00::a"],
  ["fd00:0:0:0:0:0:0:1", "fd00::1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["1:0:0:4:0:0:0:8", "1:0:0:4::8"],
  ["1:0:0:4:5:0:0:8", "1::4:5:0:0:8"],
  ["0001:02::3", "1:2::3"],
  ["::1:2:3:4:5:6:7:8", undefined],
  ["1::2::3", undefined],
  [":1", undefined],
  ["1:", undefined],
  [":", undefined],
  [":::", undefined],
  ["1:2:3:4:5:6:7", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["12345::", undefined],
  ["00001::", undefined],
  ["g::", undefined],
  ["fe80::1%eth0", undefined],
  ["fe80::1%", undefined],
  ["::1 ", undefined],
  ["[::1]", undefined],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["::FFFF:102:304", "1.2.3.4"],
  ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
  ["::1.2.3.4", "::102:304"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ["1.2.3.4::", undefined],
  ["1:2:3:4:5:6:7:1.2.3.4", undefined],
  ["::1.2.3", undefined],
  ["::1.2.3.04", undefined],
  ["::1.2.3.4:5", undefined],
  ["::ffff:1.2.3.4%1", undefined],
  ["1:2:3:4:5:6:7:1.2.3.4", undefined],
  ["::1.2.3.256", undefined],
];

test.each(GO)("%j is read as Go reads it", (text, wanted) => {
  const address = parseAddress(text);
  expect(address && formatAddress(address)).toBe(wanted);
});

test("an IPv4-mapped address is the IPv4 address it stands for", () => {
  expect(parseAddress("::ffff:10.0.0.1")).toEqual({ family: 4, value: 0x0a000001n });
});

test("every address survives its own text, and node agrees that it is one", () => {
  for (const address of someAddresses(2_000)) {
    const text = formatAddress(address);
    expect(parseAddress(text)).toEqual(address);
    expect(isIP(text)).toBe(address.family);
  }
});

test("what node calls no address is none here either", () => {
  const parts = [
    "0",
    "1",
    "255",
    "256",
    "01",
    "a",
    "ffff",
    "g",
    ":",
    "::",
    ".",
    "%eth0",
    "/",
    " ",
    "1.2.3.4",
    "::ffff:",
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from(
      { length: 1 + (round % 9) },
      () => parts[Math.floor(Math.random() * parts.length)],
    ).join("");
    const isAddress = isIP(text) !== 0;
    // Of a zone we know nothing.
    if (isAddress && text.includes("%")) continue;
    expect(parseAddress(text) !== undefined, text).toBe(isAddress);
  }
});

test("bytes are in network order and come back", () => {
  expect([...addressBytes(parseAddress("10.1.2.3")!)]).toEqual([10, 1, 2, 3]);
  for (const address of someAddresses(500)) expect(addressFromBytes(addressBytes(address))).toEqual(address);
  expect(() => addressFromBytes(new Uint8Array(5))).toThrow(RangeError);
});

test("the same number in the other family is another address", () => {
  expect(sameAddress(parseAddress("0.0.0.1")!, parseAddress("::1")!)).toBe(false);
  expect(sameAddress(parseAddress("::1")!, parseAddress("0::1")!)).toBe(true);
});

/** Random addresses, many with runs of zeros; no mapped ones, whose text is that of an IPv4 address. */
function someAddresses(count: number): { family: 4 | 6; value: bigint }[] {
  return Array.from({ length: count }, (_, at) => {
    const family = at % 4 === 0 ? 4 : 6;
    let value = 0n;
    for (let group = 0; group < familyBits(family) / 16; group++) {
      value = (value << 16n) | BigInt(Math.random() < 0.5 ? 0 : Math.floor(Math.random() * 65536));
    }
    return { family: family as 4 | 6, value: family === 6 && value >> 32n === 0xffffn ? 1n : value };
  });
}
