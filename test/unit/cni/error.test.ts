import { expect, test } from "vitest";
import { CniError } from "../../../src/cni/error.ts";

const parsed = (error: CniError) => JSON.parse(error.toJson("1.1.0")) as unknown;

test("what could not be undone is added up", () => {
  const error = new CniError("link", { cause: "EPERM", hint: "Try harder" })
    .withNotUndone(["veth1 stays"])
    .withNotUndone([])
    .withNotUndone(["so does the lease"]);
  expect(error.details).toBe("Cause: EPERM. Not undone: veth1 stays; so does the lease. Hint: Try harder.");
});

test("another plugin's error keeps its code, msg and details", () => {
  const error = new CniError("ipamPlugin", { code: 11, message: "later", details: "no hurry" });
  expect(parsed(error)).toEqual({ cniVersion: "1.1.0", code: 11, msg: "later", details: "no hurry" });
  expect(parsed(error.withNotUndone(["a lease stays"]))).toEqual({
    cniVersion: "1.1.0",
    code: 11,
    msg: "later",
    details: "no hurry. Not undone: a lease stays.",
  });
});

test("code 0 is a code, and empty details are none", () => {
  const error = new CniError("ipamPlugin", { code: 0, message: "no", details: "" });
  expect(parsed(error)).toEqual({ cniVersion: "1.1.0", code: 0, msg: "no" });
  expect(error.withNotUndone(["a lease stays"]).details).toBe("Not undone: a lease stays.");
});

test("an error in our own words that has no hint names the command that explains it, and no other does", () => {
  const details = (error: CniError): unknown => (parsed(error) as { details?: string }).details;
  expect(details(new CniError("hostPort", { about: "tcp 80", cause: "it is taken" }))).toBe(
    'Cause: it is taken. Hint: See "pontoon explain 131".',
  );
  expect(details(new CniError("hostPort", { hint: "Take another" }))).toBe("Hint: Take another.");
  expect(details(new CniError("hostPort", { message: "as the reference says it" }))).toBeUndefined();
  expect(details(new CniError("incompatibleVersion", { details: "config is" }))).toBe("config is");
  expect(details(new CniError("ipamPlugin", { code: 11, cause: "busy" }))).toBe("Cause: busy.");
});
