// Nothing: what the engine alone costs.

export function main(): number {
  return 0;
}
