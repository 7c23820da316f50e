// The rows that a word means: a pod, a container, a network, an address, an interface, a port or a state.
import { meantBy, type PortRange } from "../../attachment/word.ts";
import { parseAddress } from "../../ip/address.ts";
import type { Row } from "./row.ts";

/** The rows that a word means; of a pod's name a part is enough where the word means nothing else. */
export function filterRows(rows: readonly Row[], word: string): Row[] {
  return meantBy(word, rows, {
    calledOf: ({ pod, network, hostInterface, namespace, state, containerId, addresses, hostPorts }) => ({
      pod,
      names: [network, hostInterface, state],
      namespace,
      containerId,
      addresses: addresses.flatMap((text) => parseAddress(text.replace(/\/\d+$/, "")) ?? []),
      ports: hostPorts.flatMap((text) => portOf(text) ?? []),
    }),
    hasParts: true,
  });
}

/** The ports of the node in a row's text, as in `[fd00::1]:8000-8010->80-90/tcp`. */
function portOf(text: string): PortRange | undefined {
  const [, first, last, protocol] = /(\d+)(?:-(\d+))?->.*\/(\w+)$/.exec(text) ?? [];
  if (protocol === undefined) return undefined;
  return { protocol, hostPort: Number(first), hostPortEnd: Number(last ?? first) };
}
