// The loopback interface of a pod, by rtnetlink of the pod.
import { CniError } from "../cni/error.ts";
import { attempt } from "../failure/failure.ts";
import { formatAddress, isLoopbackAddress } from "../ip/address.ts";
import { formatPrefix, type Prefix } from "../ip/prefix.ts";
import { listAddresses } from "../net/address.ts";
import { getLink, type Link } from "../net/link.ts";
import { changeLinkMessage } from "../net/link-change.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

const LO = "lo";

/**
 * Raises the interface and gives its addresses, which the kernel makes when it comes up. Throws CniError; one
 * with an address that is not for a loopback is refused as it is.
 */
export function raiseLoopback(links: NetlinkSocket): Prefix[] {
  return attempt("link", LO, () => {
    const { index, up } = loopbackOf(links);
    const found = addressesOf(links, index);
    if (up) return found;
    setUp(links, index, true);
    return addressesOf(links, index);
  });
}

/** Takes the interface down; one that is not there is down. Throws CniError. */
export function lowerLoopback(links: NetlinkSocket): void {
  attempt("link", LO, () => {
    const link = getLink(links, { name: LO });
    if (link !== undefined) setUp(links, link.index, false);
  });
}

/** True when the interface is up. Throws CniError. */
export function isLoopbackUp(links: NetlinkSocket): boolean {
  return attempt("link", LO, () => loopbackOf(links).up);
}

function setUp(links: NetlinkSocket, index: number, up: boolean): void {
  links.execute([changeLinkMessage({ index }, { up }, `set ${up ? "up" : "down"} interface ${LO}`)]);
}

function loopbackOf(links: NetlinkSocket): Link {
  const link = getLink(links, { name: LO });
  if (link !== undefined) return link;
  throw new CniError("link", {
    about: `the pod has no interface ${LO}`,
    cause: "each namespace is born with one, so somebody has renamed it",
    hint: `Rename it back inside the pod; it is interface number 1 there ("ip link")`,
  });
}

/** The addresses in the kernel's order. Throws CniError when one of them is not for a loopback. */
function addressesOf(links: NetlinkSocket, index: number): Prefix[] {
  const prefixes = listAddresses(links, index).map(({ prefix }) => prefix);
  const foreign = prefixes.find(({ address }) => !isLoopbackAddress(address));
  if (foreign === undefined) return prefixes;
  throw new CniError("address", {
    message: `loopback interface found with non-loopback address ${JSON.stringify(formatAddress(foreign.address))}`,
    hint: `Put the address on another interface of the pod ("ip address del ${formatPrefix(foreign)} dev ${LO}" inside the pod takes it away)`,
  });
}
