// Processes that this one may not look at.

/** The sentence about processes of which nobody can tell in which namespace they run. */
export function hiddenText(count: number): string {
  return `${count} ${count === 1 ? "process" : "processes"} of this node may not be seen`;
}
