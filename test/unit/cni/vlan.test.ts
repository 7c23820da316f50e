import { expect, test } from "vitest";
import { Problems } from "../../../src/cni/problems.ts";
import { checkVlan, parseVlanTrunk } from "../../../src/cni/vlan.ts";

const trunk = (...entries: { id?: number; minID?: number; maxID?: number }[]) => {
  const problems = new Problems();
  const ranges = parseVlanTrunk(entries, problems).map(({ first, last }) =>
    first === last ? `${first}` : `${first}-${last}`,
  );
  return problems.isEmpty ? ranges.join(" ") : problems.texts.join("; ");
};

test.each([0, 1, 4094])("vlan %d is accepted", (vlan) => {
  const problems = new Problems();
  checkVlan(vlan, problems);
  expect(problems.texts).toEqual([]);
});

test.each([-1, 4095, 2 ** 40])("vlan %d is refused in the reference's words", (vlan) => {
  const problems = new Problems();
  checkVlan(vlan, problems);
  expect(problems.texts).toEqual([`vlan ${vlan}: invalid VLAN ID ${vlan} (must be between 0 and 4094)`]);
});

test("a trunk is a list of ranges that lie apart, in order", () => {
  expect(trunk()).toBe("");
  expect(trunk({ id: 5 })).toBe("5");
  expect(trunk({ id: 4094 }, { id: 1 })).toBe("1 4094");
  expect(
    trunk({ minID: 10, maxID: 20 }, { id: 5 }, { minID: 15, maxID: 30 }, { id: 31 }, { id: 33 }, { id: 5 }),
  ).toBe("5 10-31 33");
  expect(trunk({ minID: 1, maxID: 4094 }, { id: 7 })).toBe("1-4094");
  expect(trunk({ minID: 7, maxID: 7 })).toBe("7");
});

test("one entry may have both forms", () => {
  expect(trunk({ id: 3, minID: 10, maxID: 20 })).toBe("3 10-20");
});

test.each<[{ id?: number; minID?: number; maxID?: number }, string]>([
  [{ id: 0 }, "vlanTrunk[0].id 0: incorrect trunk id parameter; VLAN ids are 1 to 4094"],
  [{ id: 4095 }, "vlanTrunk[0].id 4095: incorrect trunk id parameter; VLAN ids are 1 to 4094"],
  [{ id: -1 }, "vlanTrunk[0].id -1: incorrect trunk id parameter; VLAN ids are 1 to 4094"],
  [{ minID: 0, maxID: 5 }, "vlanTrunk[0].minID 0: incorrect trunk minID parameter; VLAN ids are 1 to 4094"],
  [
    { minID: 1, maxID: 4095 },
    "vlanTrunk[0].maxID 4095: incorrect trunk maxID parameter; VLAN ids are 1 to 4094",
  ],
  [
    { minID: 6, maxID: 5 },
    "vlanTrunk[0].minID 6: minID is greater than maxID in trunk parameter, which is 5",
  ],
  [{ minID: 6 }, "vlanTrunk[0]: minID and maxID should be configured simultaneously, maxID is missing"],
  [
    { maxID: 6, id: 5 },
    "vlanTrunk[0]: minID and maxID should be configured simultaneously, minID is missing",
  ],
  [{}, "vlanTrunk[0]: says nothing; give it an id, or minID and maxID"],
])("the trunk entry %j is refused", (entry, text) => {
  expect(trunk(entry)).toBe(text);
});

test("the one that is wrong is named", () => {
  expect(trunk({ id: 5 }, { id: 0 })).toContain("vlanTrunk[1].id 0");
});
