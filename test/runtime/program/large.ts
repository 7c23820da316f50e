// A program that is too large.
const TEXT = "x".repeat(5_500_000);

export function main(): number {
  return TEXT.length === 0 ? 1 : 0;
}
