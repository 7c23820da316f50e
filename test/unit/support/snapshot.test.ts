// The words in which tests ask for the state of a world, and what a difference between two states shows.
import { expect, test } from "vitest";
import type { Difference } from "../../support/difference.ts";
import { Snapshot } from "../../support/snapshot-part.ts";
import type { Thing } from "../../support/thing.ts";

const RED = { name: "red", containerId: "c-red" };
const DIGEST = "0".repeat(32);

const file = (path: string, owner?: string): Thing => ({
  kind: "file",
  line: `file ${path}`,
  name: path.slice(path.lastIndexOf("/") + 1),
  path,
  ...(owner !== undefined && { owner }),
});
const link = (name: string, pod?: string): Thing => ({
  kind: "link",
  line: `${pod === undefined ? "" : `${pod}: `}link ${name}`,
  name,
  link: name,
  ...(pod !== undefined && { pod }),
});
const element = (table: string, comment: string): Thing => ({
  kind: "nft element",
  line: `nft element ${table} net4 ${comment}`,
  name: "net4",
  table,
});

const THINGS = [
  link("pods0"),
  link("veth1"),
  { ...link("veth1"), kind: "sysctl", line: "sysctl net/ipv4/conf/veth1/x=1" },
  link("lo", "red"),
  link("eth0", "red"),
  link("wire", "neighbour"),
  element("inet pontoon", "pods c-red eth0"),
  { kind: "nft table", line: "nft table inet pontoon", name: "pontoon", table: "inet pontoon" },
  file("/var/lib/cni/networks/pods/10.1.0.2", "c-red\r\neth0"),
  file("/var/lib/cni/networks/pods/fd01::2", "c-blue\r\neth0"),
  file("/var/lib/cni/networks/pods/last_reserved_ip.0"),
  file("/var/lib/cni/networks/pods/lock"),
  file(`/var/lib/cni/pontoon/pods/${DIGEST}.json`, '{"containerId": "c-red"}'),
  file(`/var/lib/cni/pontoon/pods/${DIGEST}.restored`),
  file("/var/lib/cni/pontoon/pods/boot-1a2b"),
];
const ALL = new Snapshot(THINGS);

test("what belongs to attachments is all that goes with them, and nothing that networks share", () => {
  expect(ALL.attachments.lines).toEqual(
    [
      "link veth1",
      "sysctl net/ipv4/conf/veth1/x=1",
      "red: link eth0",
      "nft element inet pontoon net4 pods c-red eth0",
      "file /var/lib/cni/networks/pods/10.1.0.2",
      "file /var/lib/cni/networks/pods/fd01::2",
      `file /var/lib/cni/pontoon/pods/${DIGEST}.json`,
      `file /var/lib/cni/pontoon/pods/${DIGEST}.restored`,
    ].sort(),
  );
});

test("what is of a pod is in it, or names its container", () => {
  expect(ALL.of(RED).lines).toEqual(
    [
      "red: link lo",
      "red: link eth0",
      "nft element inet pontoon net4 pods c-red eth0",
      "file /var/lib/cni/networks/pods/10.1.0.2",
      `file /var/lib/cni/pontoon/pods/${DIGEST}.json`,
    ].sort(),
  );
  expect(ALL.of({ containerId: "c-blue" }).leases.names).toEqual(["fd01::2"]);
});

test.each<[string, Snapshot, string[]]>([
  ["leases", ALL.leases, ["10.1.0.2", "fd01::2"]],
  ["hints", ALL.hints, ["last_reserved_ip.0"]],
  ["records", ALL.records, [`${DIGEST}.json`]],
  ["marks", ALL.marks, [`${DIGEST}.restored`]],
  ["the links of a name", ALL.links.on("veth1"), ["veth1"]],
  ["files below a folder", ALL.below("/var/lib/cni/pontoon/pods").records, [`${DIGEST}.json`]],
  ["what is below a folder of another name", ALL.below("/var/lib/cni/networks/pod"), []],
  ["what is in a table, and itself", ALL.inTable("inet pontoon"), ["net4", "pontoon"]],
])("%s", (_, { names }, wanted) => {
  expect(names).toEqual(wanted);
});

test("a difference shows what went and what came, and what is allowed of one is not allowed of the other", () => {
  const [before, after] = [new Snapshot(THINGS.slice(0, 9)), new Snapshot(THINGS.slice(8))];
  const only = ({ lines }: Difference, sign: string): number =>
    lines.filter((line) => line[0] === sign).length;
  const difference = after.minus(before);
  expect([only(difference, "-"), only(difference, "+")]).toEqual([8, 6]);
  expect(difference.within(({ leases }) => leases).lines).toEqual([
    "+ file /var/lib/cni/networks/pods/fd01::2",
  ]);
  expect(difference.exceptLost(({ leases }) => leases).lines).toEqual(difference.lines);
  expect(difference.exceptAdded(({ leases }) => leases).lines).toHaveLength(13);
  expect(difference.exceptAdded(({ links }) => links).lines).toEqual(difference.lines);
  expect(difference.outside(({ links, leases }) => links.plus(leases)).lines).toHaveLength(8);
  expect([difference.isEmpty, after.minus(after).isEmpty]).toEqual([false, true]);
});
