// In which VLANs a port is put, and how it is said that it is in others.
import { expect, test } from "vitest";
import type { PortVlans } from "../../../src/attachment/link.ts";
import { portVlanMessages, vlanProblem } from "../../../src/host/kind/vlan/port-vlan.ts";
import type { Node } from "../../../src/host/node.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";

const vlans = (more: Partial<PortVlans>): PortVlans => ({
  native: 100,
  tagged: [],
  keepOthers: false,
  ...more,
});
const requests = (wanted: PortVlans): string[] => portVlanMessages(7, wanted).map(({ what }) => what);

test("a port leaves all VLANs but the one that it has without a tag, which it gets last", () => {
  expect(
    requests(
      vlans({
        tagged: [
          { first: 5, last: 5 },
          { first: 90, last: 110 },
        ],
      }),
    ),
  ).toEqual([
    "take VLANs 1-99 off the port",
    "take VLANs 101-4094 off the port",
    "add VLANs 5 to the port",
    "add VLANs 90-110 to the port",
    "put the port into VLAN 100",
  ]);
  expect(requests(vlans({ native: 1 }))).toEqual([
    "take VLANs 2-4094 off the port",
    "put the port into VLAN 1",
  ]);
  expect(requests(vlans({ native: 4094 }))).toEqual([
    "take VLANs 1-4093 off the port",
    "put the port into VLAN 4094",
  ]);
  expect(requests(vlans({ keepOthers: true }))).toEqual(["put the port into VLAN 100"]);
});

const NATIVE = 2 | 4;
const UNTAGGED = 4;
const BEGIN = 8;
const END = 16;

/** What is said of a port whose kernel's entries are these pairs of flags and VLAN. */
function problem(wanted: PortVlans, ...entries: [number, number][]): string | undefined {
  using kernel = new FakeKernel();
  kernel.answers(
    {
      type: 16,
      sequence: 1,
      body: (w) => {
        w.u8(7).u8(0).u16(0).u32(7).u32(0).u32(0);
        w.nest(
          26,
          () => {
            for (const [flags, vlan] of entries) w.attribute(2, Uint8Array.of(flags, 0, vlan, vlan >> 8));
          },
          0,
        );
      },
    },
    { type: 3, sequence: 1, body: (w) => w.u32(0) },
  );
  return vlanProblem({ name: "veth1", index: 7 }, wanted, { links: kernel.socket } as Node);
}

test("a port in its VLANs is right, however the kernel lists them", () => {
  expect(problem(vlans({}), [NATIVE, 100])).toBeUndefined();
  expect(
    problem(vlans({ tagged: [{ first: 200, last: 202 }] }), [NATIVE, 100], [BEGIN, 200], [END, 202]),
  ).toBeUndefined();
  expect(
    problem(vlans({ tagged: [{ first: 99, last: 101 }] }), [0, 99], [NATIVE, 100], [0, 101]),
  ).toBeUndefined();
  expect(problem(vlans({ keepOthers: true }), [UNTAGGED, 1], [NATIVE, 100])).toBeUndefined();
});

test.each<[string, PortVlans, [number, number][]]>([
  ["veth1 is in VLANs none instead of 100 (native)", vlans({}), []],
  ["veth1 is in VLANs 1 (native) instead of 100 (native)", vlans({}), [[NATIVE, 1]]],
  [
    "veth1 is in VLANs 1 (untagged), 100 (native) instead of 100 (native)",
    vlans({}),
    [
      [UNTAGGED, 1],
      [NATIVE, 100],
    ],
  ],
  ["veth1 is in VLANs 100 instead of 100 (native)", vlans({}), [[0, 100]]],
  ["veth1 is in VLANs 100 (native, tagged) instead of 100 (native)", vlans({}), [[2, 100]]],
  [
    "veth1 is in VLANs 100 (native), 200-201 instead of 100 (native), 200-202",
    vlans({ tagged: [{ first: 200, last: 202 }] }),
    [
      [NATIVE, 100],
      [BEGIN, 200],
      [END, 201],
    ],
  ],
  [
    "veth1 is in VLANs 1 (native) instead of 100 (native) and others",
    vlans({ keepOthers: true }),
    [[NATIVE, 1]],
  ],
])("%s", (sentence, wanted, entries) => {
  expect(problem(wanted, ...entries)).toBe(sentence);
});
