// Taking back what a call has done so far.
import { expect, test } from "vitest";
import { CniError } from "../../../src/cni/error.ts";
import { Rollback } from "../../../src/failure/rollback.ts";
import { failure } from "../../support/failure.ts";

/** A rollback with three parts, of which the second fails, and the list of those that ran. */
function three() {
  const ran: string[] = [];
  const rollback = new Rollback();
  rollback.add(() => void ran.push("first"));
  rollback.add(() => {
    ran.push("second");
    throw new CniError("rules", { about: "the second" });
  });
  rollback.add(() => {
    ran.push("third");
    return ["a piece of the third"];
  });
  return { ran, rollback };
}

test("the latest goes first, a part that fails stops no other, and each that stayed has its sentence", () => {
  const { ran, rollback } = three();
  const stayed = ["a piece of the third", "packet rules cannot be set: the second"];
  expect(rollback.run()).toEqual(stayed);
  expect(ran).toEqual(["third", "second", "first"]);
});

test("what was taken back is not taken back again", () => {
  const { ran, rollback } = three();
  rollback.run();
  expect(rollback.run()).toEqual([]);
  expect(ran).toHaveLength(3);
});

test("a guarded action that throws is taken back, and its error says what stayed", () => {
  const { ran, rollback } = three();
  const error = failure(() =>
    rollback.guard(() => {
      throw new CniError("link", { about: "eth0" });
    }),
  );
  expect(error.code).toBe(120);
  expect(error.details).toContain("Not undone: a piece of the third; packet rules cannot be set: the second");
  expect(ran).toHaveLength(3);
});

test("a guarded action that comes to its end is not taken back", () => {
  const { ran, rollback } = three();
  expect(rollback.guard(() => "done")).toBe("done");
  expect(ran).toEqual([]);
});
