// The pods of a network that a picture shows one by one, and those that it only counts.
import { type Address, formatAddress, parseAddress } from "../ip/address.ts";
import type { Network, Pod, PodState } from "./scene.ts";

/** The pods of a network, in two parts. */
export interface Fold {
  /** In order of importance: those with problems, with host ports, then the first of the others. */
  shown: Pod[];
  /** The others, of which nothing is to be said but that some have host ports. */
  folded: Pod[];
}

/** So many pods of a network are shown one by one, whatever they are. */
const MOST_SHOWN = 24;
/** The states that are shown, whatever else there is to say. */
const NOTABLE: readonly PodState[] = ["starting", "odd"];
/** Beside those that stand out, so many others are shown of a larger network. */
const SHOWN_ANYWAY = 3;

/**
 * Chooses the pods that are shown. `isWhole`: all of them. Every broken one is, and of those with host ports
 * the first 24.
 */
export function foldPods({ pods }: Network, isWhole: boolean): Fold {
  const wrong = pods.filter(({ problems }) => problems.length > 0);
  const open = pods.filter(({ problems, hostPorts }) => problems.length === 0 && hostPorts.length > 0);
  const quiet = pods.filter(({ problems, hostPorts }) => problems.length === 0 && hostPorts.length === 0);
  const odd = quiet.filter(({ state }) => NOTABLE.includes(state));
  const others = quiet.filter((pod) => !odd.includes(pod));
  const isShort = isWhole || pods.length <= MOST_SHOWN;
  const opened = isShort ? open.length : MOST_SHOWN;
  const count = isShort ? others.length : open.length > MOST_SHOWN ? 0 : SHOWN_ANYWAY;
  return {
    shown: [...wrong, ...odd, ...open.slice(0, opened), ...others.slice(0, count)],
    folded: [...open.slice(opened), ...others.slice(count)],
  };
}

/** The sentence about pods that are not shown: `247 more pods, 10.222.0.5 to 10.222.1.4`. */
export function foldText(folded: readonly Pod[]): string {
  const noun = folded.length === 1 ? "pod" : "pods";
  const all = folded.flatMap(({ addresses }) => addresses.flatMap((text) => parseAddress(text) ?? []));
  const ranges = ([4, 6] as const).flatMap((family) => rangeOf(all.filter((each) => each.family === family)));
  const open = folded.filter(({ hostPorts }) => hostPorts.length > 0).length;
  const ports = open === 0 ? [] : [`${open === folded.length ? "" : `${open} of them `}with host ports`];
  return [`${folded.length} more ${noun}`, ...ports, ...ranges].join(", ");
}

/** The lowest and the highest of addresses of one family, as text; none of none. */
function rangeOf(addresses: readonly Address[]): string[] {
  const [first, ...rest] = addresses;
  if (first === undefined) return [];
  let [low, high] = [first, first];
  for (const each of rest) {
    if (each.value < low.value) low = each;
    if (each.value > high.value) high = each;
  }
  return [rest.length === 0 ? formatAddress(low) : `${formatAddress(low)} to ${formatAddress(high)}`];
}

/**
 * The network with each sentence that is about all of its pods, of two at least, taken from them and given to
 * the network.
 */
export function withSharedProblems(network: Network): Network {
  const { pods, problems } = network;
  const [first] = pods;
  if (first === undefined || pods.length < 2) return network;
  const sets = pods.map((pod) => new Set(pod.problems));
  const shared = first.problems.filter((sentence) => sets.every((each) => each.has(sentence)));
  if (shared.length === 0) return network;
  const own = (pod: Pod): Pod => ({
    ...pod,
    problems: pod.problems.filter((sentence) => !shared.includes(sentence)),
  });
  return { ...network, pods: pods.map(own), problems: [...problems, ...shared] };
}
