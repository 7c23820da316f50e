// Random input, from a seed, for all of src that computes and does not look at the machine. Two engines that
// run it have to say the same.
//
// Arguments: the number of the first case, how many, and perhaps "show" (the whole text of each case in the
// place of its hash).

import { native } from "../../../src/sys/native.ts";
import { writeAll } from "../../../src/sys/stream.ts";
import { randomSource } from "../../unit/netlink/random.ts";
import { subjects } from "./differential-subjects.ts";
import { failureText } from "./differential-text.ts";

export function textOfCase(number: number): string {
  const random = randomSource(number * 7919 + 17);
  const names = Object.keys(subjects);
  const name = names[number % names.length]!;
  try {
    return `${name} ${subjects[name]!(random)}`;
  } catch (error) {
    return `${name} thrown: ${failureText(error)}`;
  }
}

export function main(): number {
  const [first = "0", count = "1000", show] = native.argv();
  let lines: string[] = [];
  for (let number = Number(first); number < Number(first) + Number(count); number++) {
    const text = textOfCase(number);
    lines.push(
      show === undefined
        ? `${number} ${native.sha256(text).slice(0, 16)}`
        : `${number} ${JSON.stringify(text)}`,
    );
    if (lines.length === 500) {
      writeAll(1, `${lines.join("\n")}\n`, "stdout");
      lines = [];
    }
  }
  if (lines.length > 0) writeAll(1, `${lines.join("\n")}\n`, "stdout");
  return 0;
}
