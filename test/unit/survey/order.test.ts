// The order in which attachments are shown.
import { expect, test } from "vitest";
import { inOrder } from "../../../src/survey/order.ts";

const of = (network: string, pod: string | undefined, interfaceName = "eth0", containerId = "c1") => ({
  attachment: { key: { network, containerId, interfaceName }, pod },
});

test("networks come by name, their pods by name with numbers by their value, and pods without a name last", () => {
  const sorted = [
    of("net2", "default/web-9"),
    of("net2", "default/web-10"),
    of("net2", undefined, "eth0", "c9"),
    of("net2", undefined, "eth0", "c10"),
    of("net10", "default/web-1"),
  ];
  expect(inOrder(sorted.toReversed())).toEqual(sorted);
});

test("all are shown, also those whose names are the same but for zeros", () => {
  const interfaces = ["eth1", "eth01", "eth001"].map((name) => of("net", "default/web", name));
  const networks = ["net1", "net01"].map((name) => of(name, undefined));
  expect(new Set(inOrder([...interfaces, ...networks]))).toEqual(new Set([...interfaces, ...networks]));
});
