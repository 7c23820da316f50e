import { expect, test } from "vitest";
import { epochMs, utcText } from "../../../src/sys/clock.ts";

test("a time as text is that of JavaScript's own calendar, over leap days and centuries", () => {
  const days = [0, 59, 60, 789, 790, 11_016, 11_017, 20_787, 47_541, 47_542, 2_932_896];
  const times = days.flatMap((day) => [
    day * 86_400_000,
    day * 86_400_000 + 86_399_999,
    day * 86_400_000 + 3_723_045,
  ]);
  expect(times.map(utcText)).toEqual(times.map((time) => new Date(time).toISOString()));
});

test("the time is the machine's", () => {
  expect(Math.abs(epochMs() - Date.now())).toBeLessThan(60_000);
});
