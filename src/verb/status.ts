// STATUS: could an ADD be served now? A runtime asks every few seconds, so it is quick and leaves nothing
// behind. The only change that it makes: localhost is closed where a flush of packet rules has opened it.
// Where that cannot be at once, since another process holds the node's lock, STATUS tells that it is open.

import { CniError, type ErrorKind } from "../cni/error.ts";
import type { StatusRequest } from "../cni/request.ts";
import { explain } from "../failure/failure.ts";
import { refuseObstacles } from "../host/forward/obstacle.ts";
import { checkDevice } from "../host/kind/device/claim.ts";
import { closeUnguardedSoon } from "../host/kind/host-port/localhost.ts";
import { rulesHint } from "../host/kind/masquerade/nftables.ts";
import { checkIptables } from "../host/kind/masquerade/program.ts";
import type { Node } from "../host/node.ts";
import { callIpam, findIpam } from "../ipam/foreign.ts";
import { leaseDirectoryOf } from "../ipam/lease-directory.ts";
import { checkFreeAddresses, checkLeaseDirectory } from "../ipam/status.ts";
import { networkFamilies } from "../look/bridge.ts";
import { checkBridge, checkNftables } from "../look/status.ts";
import { RECORD_ROOT } from "../record/store.ts";
import { SystemError } from "../sys/errno.ts";

/**
 * Throws CniError notAvailable (code 50) when an ADD would fail, or when its pod would reach nobody beyond
 * the node; limitedConnectivity (code 51) where pods that run do not either; or the error of a foreign IPAM
 * plugin's STATUS.
 */
export function status(request: StatusRequest, node: Node): void {
  const { netconf } = request;
  const { foreignIpam } = netconf;
  if (netconf.attach === "bridge") answering("rtnetlink", () => checkBridge(netconf.bridge, node.links));
  const { device } = netconf;
  if (device !== undefined) answering(netconf.name, () => checkDevice(device, node));
  const byIptables = netconf.ipMasq && netconf.ipMasqBackend === "iptables";
  answering("rtnetlink", () => closeUnguardedSoon(netconf, node));
  if (byIptables)
    answering("iptables", () => checkIptables(netconf.ipam === undefined ? [4] : networkFamilies(netconf)));
  if ((netconf.ipMasq && !byIptables) || netconf.macspoofchk)
    answering("nftables", () => checkNftables(node.rules));
  answering("network", () => refuseObstacles(netconf, node));
  checkLeaseDirectory(RECORD_ROOT);
  if (foreignIpam !== undefined) askIpam(foreignIpam, request);
  const directory = leaseDirectoryOf(netconf);
  if (directory === undefined || netconf.ipam === undefined) return;
  checkLeaseDirectory(directory);
  if (netconf.ipam.statusWhenFull) checkFreeAddresses(directory, netconf.ipam.rangeSets);
}

/**
 * Asks the IPAM plugin. A missing plugin means that no ADD can be served; an existing plugin answers for
 * itself.
 */
function askIpam(name: string, request: StatusRequest): void {
  callIpam(
    answering("IPAM", () => findIpam(name, request)),
    "STATUS",
  );
}

/** The kinds of errors that say already that no ADD should come. */
const REFUSALS: readonly ErrorKind[] = ["notAvailable", "limitedConnectivity"];

function answering<T>(about: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof SystemError)
      throw explain("notAvailable", about, error, about === "nftables" ? rulesHint(error) : undefined);
    if (!(error instanceof CniError) || REFUSALS.includes(error.kind)) throw error;
    throw new CniError("notAvailable", { ...error.parts, about: error.message }, { cause: error });
  }
}
