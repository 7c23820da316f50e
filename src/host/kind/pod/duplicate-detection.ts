// The pod's end with IPv6 duplicate address detection (enabledad): it uses an address when no other interface
// has answered for it.
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import { listAddresses } from "../../../net/address.ts";
import { ensureSysctlIfPossible } from "../../../net/sysctl.ts";
import type { NetlinkSocket } from "../../../netlink/socket.ts";
import type { Detection, PodStep } from "../../../plan/step.ts";
import { monotonicMs } from "../../../sys/clock.ts";
import type { Applying } from "../../kind.ts";
import { raisePort } from "../announce/bridge-port.ts";
import { prepare, raise } from "./set-up.ts";

/**
 * The longest wait for duplicate detection. The kernel asks once, within a second, and waits another second
 * for an answer (RFC 4862, 5.4; dad_transmits, retrans_time_ms).
 */
const SETTLE_MS = 10_000;

/**
 * Raises the pod's end, waits until its port lets questions through, and gives the end its addresses and
 * routes. Returns when no address of the link is tentative any more, the link-local address included. Throws
 * CniError, also when another interface has an address.
 */
export function setUpWithDetection(step: PodStep, { port }: Detection, on: Applying): void {
  const { interfaceName } = step;
  const { pod, node } = on;
  attempt("sysctl", `net.ipv6.conf.${interfaceName}`, () =>
    pod.inside(() => {
      prepare(step, true);
      // A bridge may send the kernel its own question back; by a nonce the kernel recognises it (RFC 7527).
      ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/enhanced_dad`, "1");
    }),
  );
  using events = pod.openAddressEvents();
  raise({ ...step, addresses: [], routes: [] }, on);
  if (port !== undefined) raisePort({ port, podEnd: { links: pod.links, name: interfaceName }, node });
  raise(step, on);
  attempt("address", interfaceName, () => awaitSettled({ interfaceName, bridge: port?.bridge, events }, on));
}

/** The pod's end, with the addresses that are waited for. */
interface Settling {
  interfaceName: string;
  /** The bridge that the pod is on; undefined: it is on none. */
  bridge: string | undefined;
  events: NetlinkSocket;
}

function awaitSettled({ interfaceName, bridge, events }: Settling, { pod, podIndex }: Applying): void {
  for (
    const deadline = monotonicMs() + SETTLE_MS;
    ;
    events.waitForEvent("wait for the pod's addresses", deadline - monotonicMs())
  ) {
    const present = listAddresses(pod.links, podIndex, 6);
    const duplicate = present.find((address) => address.duplicate);
    if (duplicate !== undefined) throw inUse(interfaceName, formatAddress(duplicate.prefix.address), bridge);
    if (!present.some(({ tentative }) => tentative)) return;
    if (monotonicMs() >= deadline) throw unsettled(interfaceName);
  }
}

function inUse(interfaceName: string, address: string, bridge: string | undefined): CniError {
  const place =
    bridge === undefined ? `the network of ${interfaceName}` : `${bridge}, or on the network behind it,`;
  return new CniError("address", {
    about: `failed to settle addresses for "${interfaceName}": link ${interfaceName} has address ${address} in DADFAILED state`,
    cause: `another interface on ${place} answered for ${address}`,
    hint: `Find it with "ping ${address}" and "ip neighbour show ${address}" on the node; the next ADD gets another address`,
  });
}

function unsettled(interfaceName: string): CniError {
  return new CniError("address", {
    about: `failed to settle addresses for "${interfaceName}": link ${interfaceName} still has tentative addresses after ${SETTLE_MS / 1000} seconds`,
    hint: "Look at the pod's net.ipv6.conf settings dad_transmits and retrans_time_ms, or take enabledad out of the configuration",
  });
}
