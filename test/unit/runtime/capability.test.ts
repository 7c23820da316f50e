// Arguments for capabilities as people write them.
import { expect, test } from "vitest";
import { isRequestedAddress, readPortMapping, readRates } from "../../../src/runtime/capability.ts";

test.each([
  ["8080:80", { hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  ["8080:80/udp", { hostPort: 8080, containerPort: 80, protocol: "udp" }],
  ["1:65535/sctp", { hostPort: 1, containerPort: 65_535, protocol: "sctp" }],
  ["192.0.2.1:8080:80", { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "192.0.2.1" }],
  ["[2001:db8::1]:53:53/udp", { hostPort: 53, containerPort: 53, protocol: "udp", hostIP: "2001:db8::1" }],
])("host port %s", (text, mapping) => {
  expect(readPortMapping(text)).toEqual(mapping);
});

test.each([
  "",
  "80",
  "0:80",
  "80:0",
  "65536:80",
  "80:80/icmp",
  "300.1.1.1:80:80",
  "[::x]:1:1",
  "1:2:3",
  "8080:80\n",
])("%j is no host port", (text) => {
  expect(readPortMapping(text)).toBeUndefined();
});

test.each([
  ["10M/5M", { ingressRate: 10_000_000, egressRate: 5_000_000 }],
  ["1.5g", { ingressRate: 1_500_000_000, egressRate: 1_500_000_000 }],
  ["0/800", { egressRate: 800 }],
  ["100k/0", { ingressRate: 100_000 }],
])("rate %s", (text, rates) => {
  const bursts = Object.keys(rates).map((key) => [key.replace("Rate", "Burst"), 2_147_483_647]);
  expect(readRates(text)).toEqual({ ...rates, ...Object.fromEntries(bursts) });
});

test.each(["", "M", "10M/", "/10M", "1/2/3", "-1", "10T", "1e3", "9".repeat(30)])("%j is no rate", (text) => {
  expect(readRates(text)).toBeUndefined();
});

test("addresses with and without a length", () => {
  expect(["10.0.0.1", "10.0.0.1/8", "fd00::1/64"].map(isRequestedAddress)).toEqual([true, true, true]);
  expect(["10.0.0", "10.0.0.1/33", "web"].map(isRequestedAddress)).toEqual([false, false, false]);
});
