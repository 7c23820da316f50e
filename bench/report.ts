// What a person reads: a line per measure, ours and the reference's side by side.
import type { Sample } from "./sample.ts";

export interface Line {
  what: string;
  ours: Sample;
  reference?: Sample | undefined;
  /** The most that ours may be, as a multiple of the reference (or of `base`). */
  target?: number | undefined;
  /** Where ours is compared with something else than the reference. */
  base?: Sample | undefined;
}

const WIDTHS = [50, 15, 15, 12, 7] as const;

export class Report {
  missed = 0;

  heading(text: string, note = ""): void {
    console.log(`\n${text}`);
    if (note !== "") console.log(`  ${note}`);
  }

  /** The head of a table of lines. */
  columns(ratio = "ratio"): void {
    console.log(row(["", "ours", "reference", ratio, "target", "met"]));
  }

  line({ what, ours, reference, target, base = reference }: Line): void {
    const ratio = base === undefined ? undefined : ours.median / base.median;
    const leastRatio = base === undefined ? undefined : ours.least / base.least;
    const met = ratio === undefined || target === undefined ? undefined : ratio <= target;
    if (met === false) this.missed++;
    const cells = [
      what,
      milliseconds(ours),
      reference === undefined ? "" : milliseconds(reference),
      ratio === undefined ? "" : `${ratio.toFixed(2)} (${leastRatio?.toFixed(2)})`,
      target === undefined ? "" : `<=${target.toFixed(2)}`,
      verdict(met),
    ];
    console.log(row(cells));
  }

  /** Memory in MB: the most that was seen counts. `target` is for the ratio. */
  memory(what: string, ours: Sample, reference: Sample, target: number): void {
    const ratio = ours.most / reference.most;
    if (ratio > target) this.missed++;
    console.log(
      row([
        what,
        `${ours.most.toFixed(1)} MB`,
        `${reference.most.toFixed(1)} MB`,
        ratio.toFixed(2),
        `<=${target.toFixed(2)}`,
        verdict(ratio <= target),
      ]),
    );
  }

  /** The size of files in MB, which is the same in every run. `limit` is for ours. */
  size(what: string, ours: number, reference: number, limit: number): void {
    if (ours > limit) this.missed++;
    console.log(
      row([
        what,
        `${ours.toFixed(2)} MB`,
        `${reference.toFixed(2)} MB`,
        "",
        `<=${limit}`,
        verdict(ours <= limit),
      ]),
    );
  }

  /** A number that no noise touches, beside another one of ours. `target` is for the ratio. */
  count(what: string, ours: number, base: number, target: number): void {
    const ratio = ours / base;
    if (ratio > target) this.missed++;
    const limit = `<=${target.toFixed(2)}`;
    console.log(row([what, String(ours), String(base), ratio.toFixed(2), limit, verdict(ratio <= target)]));
  }

  plain(what: string, ...cells: string[]): void {
    console.log(row([what, ...cells]));
  }
}

/** Median, and the least in brackets. */
export function milliseconds(sample: Sample): string {
  const digits = sample.median < 1 ? 3 : sample.median < 100 ? 2 : 0;
  return `${sample.median.toFixed(digits)} (${sample.least.toFixed(digits)})`;
}

function verdict(met: boolean | undefined): string {
  return met === undefined ? "" : met ? "yes" : "NO";
}

function row(cells: string[]): string {
  const text = cells.map((cell, index) =>
    index === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[index] ?? 5),
  );
  return `  ${text.join(" ").trimEnd()}`;
}
