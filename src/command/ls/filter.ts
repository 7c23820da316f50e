// The rows that a word means: a pod, a container, a network, an address, an interface, a port or a state.
import { parseAddress, sameAddress } from "../../ip/address.ts";
import type { Row } from "./row.ts";

/**
 * The rows that a word means. Rows that it names exactly come alone; where it names none, those whose pod's
 * name has it as a part, or whose container's id begins with it.
 */
export function filterRows(rows: readonly Row[], word: string): Row[] {
  const exact = rows.filter((row) => names(row, word));
  if (exact.length > 0) return exact;
  return rows.filter(({ pod, containerId }) => pod.includes(word) || containerId?.startsWith(word) === true);
}

function names(row: Row, word: string): boolean {
  const { pod, containerId, network, hostInterface, namespace, state } = row;
  if ([pod, containerId, network, hostInterface, namespace, state].includes(word)) return true;
  // A pod's name without its Kubernetes namespace.
  if (pod.endsWith(`/${word}`) || namespace?.endsWith(`/${word}`) === true) return true;
  return hasAddress(row, word) || hasPort(row, word);
}

function hasAddress({ addresses }: Row, word: string): boolean {
  const wanted = parseAddress(word);
  if (wanted === undefined) return addresses.includes(word);
  return addresses.some((each) => {
    const address = parseAddress(each.replace(/\/\d+$/, ""));
    return address !== undefined && sameAddress(address, wanted);
  });
}

/** True for a port of the node that leads to the pod: `8080`, `8080/udp`. */
function hasPort({ hostPorts }: Row, word: string): boolean {
  const asked = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(word);
  if (asked === null) return false;
  const port = Number(asked[1]);
  return hostPorts.some((text) => {
    const [, first, last, protocol] = /(\d+)(?:-(\d+))?->.*\/(\w+)$/.exec(text) ?? [];
    const isIn = port >= Number(first) && port <= Number(last ?? first);
    return isIn && (asked[2] === undefined || asked[2] === protocol);
  });
}
