// Masquerading chains of the reference plugin (ipMasq) in iptables: in table nat a chain per container and
// network, and a rule per address in POSTROUTING that leads there (containernetworking/plugins,
// pkg/ip/ipmasq_iptables_linux.go). The chain's name has no interface in it: all interfaces of a container on
// one network share it.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Address } from "../ip/address.ts";
import { prefixContains } from "../ip/prefix.ts";
import { sha512 } from "../sys/hash.ts";
import { type IptablesTable, type Jump, removeJumps } from "./table.ts";

const PREFIX = "CNI-";
/** The number of hash digits that fill a name of 28 characters (pkg/utils, FormatChainName). */
const HASH_DIGITS = 24;

/**
 * The addresses with jumps to a container's chain that go: these alone, or all but these, which other
 * interfaces of the container have.
 */
export type Sources = { only: readonly Address[] } | { except: readonly Address[] };

/** A container on a network, by whichever of its interfaces. */
export type NetworkContainer = Omit<AttachmentKey, "interfaceName">;

/**
 * Removes the jumps from these addresses to the container's chain on a network, and the chain with its last
 * jump. `sources` is asked only when there is such a chain. Throws SystemError and CniError.
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
 * Removes the chains of containers of a network that are not valid, known by the comments of the jumps to
 * them. Throws SystemError and CniError.
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

/**
 * The container in a comment `name: "pods" id: "1f2a"`, of at most 255 bytes; undefined for any other
 * comment.
 */
function containerOf(comment: string): string | undefined {
  return / id: "([^"]*)"$/.exec(comment)?.[1];
}
