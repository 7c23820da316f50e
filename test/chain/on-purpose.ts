// Differences that are meant and that every scene has. Each is written once, here.
import type { Difference } from "../differential/row.ts";

export const ON_PURPOSE: Difference[] = [
  {
    where: "CHECK",
    ours: "done",
    reference: "refused",
    why: "D6: a sysctl of two values is read back with a tab between them; the reference's tuning takes that for another value.",
  },
];
