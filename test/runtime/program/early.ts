// Calls a function of a module that is loaded late, while modules load.
import { withPlaces } from "../../../src/cni/place.ts";

export const CALLS = withPlaces([]);

export function main(): number {
  return CALLS.length;
}
