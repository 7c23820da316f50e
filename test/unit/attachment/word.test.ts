// One word of a person, whichever command it is given to.
import { expect, test } from "vitest";
import { type Called, meantBy } from "../../../src/attachment/word.ts";
import { parseAddress } from "../../../src/ip/address.ts";

const called = (more: Partial<Called> & { pod: string | undefined }): Called => ({
  ...{ containerId: undefined, addresses: [], ports: [] },
  ...more,
});
const web = called({
  pod: "default/web-0",
  names: ["pods", "veth1"],
  namespace: "/run/netns/cni-1",
  containerId: "deadbeef0123",
  addresses: [parseAddress("10.1.0.2")!, parseAddress("fd01::2")!],
  ports: [{ protocol: "tcp", hostPort: 8080, hostPortEnd: 8090 }],
});
const other = called({
  pod: "default/8080",
  names: ["pods", undefined],
  namespace: "/run/netns/cni-2",
  containerId: "8085beef4567",
});
const nameless = called({ pod: undefined, containerId: "beef" });

test.each([
  ["default/web-0", "web"],
  ["web-0", "web"],
  ["cni-1", "web"],
  ["/run/netns/cni-2", "other"],
  ["veth1", "web"],
  ["pods", "web other"],
  ["deadbeef0123", "web"],
  ["dead", "web"],
  ["dea", ""],
  ["10.1.0.2", "web"],
  ["10.1.0.2/24", "web"],
  ["fd01:0::2", "web"],
  [":8085", "web"],
  ["8085", "web"],
  ["8085/tcp", "web"],
  ["8085/udp", ""],
  ["8085beef", "other"],
  // A name goes before a port.
  ["8080", "other"],
  ["0", "web other"],
  ["eb-", "web"],
  ["beef", "nameless"],
  ["", "web other"],
])("%j means %j", (word, wanted) => {
  const found = meantBy(word, [web, other, nameless], { calledOf: (thing) => thing, hasParts: true });
  expect(found).toEqual(wanted.split(" ").flatMap((name) => ({ web, other, nameless })[name] ?? []));
});

test("without parts a word has to be whole, or the beginning of an id", () => {
  const found = (word: string) =>
    meantBy(word, [web, other, nameless], { calledOf: (thing) => thing, hasParts: false });
  expect(["eb-", "", "default", "de"].flatMap(found)).toEqual([]);
  expect(found("dead")).toEqual([web]);
});
