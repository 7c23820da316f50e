// What ipMasq of the reference plugin leaves in iptables, for attachments that it made: in table nat a chain
// per container and network, and a rule per address in POSTROUTING that leads there
// (containernetworking/plugins, pkg/ip/ipmasq_iptables_linux.go). The chain's name has no interface in it:
// all interfaces of a container on one network share it.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Address } from "../ip/address.ts";
import { prefixContains } from "../ip/prefix.ts";
import { sha512 } from "../sys/hash.ts";
import { type IptablesTable, type Jump, removeJumps } from "./table.ts";

const PREFIX = "CNI-";
/** As many characters as make a name of 28 (pkg/utils, FormatChainName). */
const HASH_DIGITS = 24;

/**
 * Which of the addresses that lead to a container's chain go: these alone, or all but these, which other
 * interfaces of it have.
 */
export type Sources = { only: readonly Address[] } | { except: readonly Address[] };

/** A container on a network, by whichever of its interfaces. */
export type NetworkContainer = Omit<AttachmentKey, "interfaceName">;

/**
 * Removes what leads from these addresses to the container's chain on a network, and the chain with the last
 * of them. `sources` is asked only when there is such a chain. Throws SystemError and CniError.
 */
export function removeReferenceChain(
  tables: Iterable<IptablesTable>,
  container: NetworkContainer,
  sources: () => Sources,
): void {
  let known: Sources | undefined;
  for (const table of tables)
    removeJumps(table, chainOf(container), (jump) => isFrom(jump, (known ??= sources())));
}

/**
 * Removes the chains of a network's containers that are not valid, known by the comments of the rules that
 * lead there. Throws SystemError and CniError.
 */
export function removeStaleReferenceChains(
  tables: Iterable<IptablesTable>,
  network: string,
  isValid: (containerId: string) => boolean,
): void {
  for (const table of tables) {
    for (const { chain, comment } of table.listJumps(PREFIX)) {
      const containerId = containerOf(comment);
      if (containerId !== undefined && chain === chainOf({ network, containerId }) && !isValid(containerId))
        removeJumps(table, chain, () => true);
    }
  }
}

function isFrom({ source }: Jump, sources: Sources): boolean {
  const covers = (address: Address): boolean => source !== undefined && prefixContains(source, address);
  return "only" in sources ? sources.only.some(covers) : !sources.except.some(covers);
}

function chainOf({ network, containerId }: NetworkContainer): string {
  return PREFIX + sha512(network + containerId).slice(0, HASH_DIGITS);
}

/** The comment is `name: "pods" id: "1f2a"`, of at most 255 bytes. */
function containerOf(comment: string): string | undefined {
  return / id: "([^"]*)"$/.exec(comment)?.[1];
}
