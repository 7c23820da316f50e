// The node's side of a link without a bridge: the host's end is up and holds the gateway addresses, and the
// node has a route to each address of the pod. All of it goes with the veth.
import { attempt } from "../../../failure/failure.ts";
import { type Address, formatAddress } from "../../../ip/address.ts";
import { isWhole } from "../../../ip/prefix.ts";
import { listAddresses } from "../../../net/address.ts";
import { getLink, getLinkMessage } from "../../../net/link.ts";
import { listRoutes } from "../../../net/route-list.ts";
import type { HostRouteStep } from "../../../plan/step.ts";
import { isErrno } from "../../../sys/errno.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { shutPort } from "../../shut.ts";
import { checkSubnets, exploreAddresses } from "./first.ts";
import { countLostRoutes } from "./lost.ts";
import { explainRefusal } from "./refusal.ts";
import { hostLinkLocal, prepare, requestsOf } from "./request.ts";

export const hostRoute: StepKind<HostRouteStep> = {
  apply: routeToPod,
  verify: verifyHostRoute,
  restoration: { countLost: countLostRoutes, putBack: putBackRoutes },
};

/**
 * Raises the host's end with gateway addresses and routes in one send, and lets the kernel finish its work
 * on the carriers of both ends.
 */
function routeToPod(step: HostRouteStep, on: Applying): void {
  const { hostInterface: name } = step;
  const { node, pod, hostIndex } = on;
  const { isFirst, isElsewhere, refusal } = attempt("address", name, () => exploreAddresses(step, node));
  const make = (): void => {
    // The first pod tells of subnets that only touch the network's.
    const notice = (text: string): void => (isFirst ? on.notice(text) : undefined);
    if (isFirst || isElsewhere)
      attempt("address", name, () => checkSubnets(step, { node, hostIndex, notice }));
    if (refusal !== undefined) throw refusal;
    attempt("sysctl", name, () => prepare(step));
    send(step, hostIndex, node);
  };
  // Another ADD may give the subnet to a bridge: under the lock one of the two sees the other's address.
  if (isFirst) node.underLock(make);
  else make();
  on.isFirst = isFirst;
  attempt("link", step.interfaceName, () =>
    pod.links.execute([getLinkMessage({ name: step.interfaceName })]),
  );
}

/** The problem with the node's side as a sentence; undefined when there is none. */
function verifyHostRoute(step: HostRouteStep, { node }: Place): string | undefined {
  const { hostInterface: name, gateways, addresses } = step;
  const link = getLink(node.links, { name });
  if (link === undefined) return undefined;
  const held = listAddresses(node.links, link.index).map(({ prefix }) => prefix);
  const isHeld = (address: Address): boolean => held.some((prefix) => isWhole(prefix, address));
  const lost = gateways.find((gateway) => !isHeld(gateway));
  if (lost !== undefined) return `${name} has no gateway address ${formatAddress(lost)}`;
  const linkLocal = hostLinkLocal(step);
  if (linkLocal !== undefined && !isHeld(linkLocal))
    return `${name} has no link-local address ${formatAddress(linkLocal)}`;
  const unreached = addresses.find((address) => !hasRoute(address, link.index, node));
  return unreached && `the node has no route to ${formatAddress(unreached)} by ${name}`;
}

function hasRoute(address: Address, index: number, node: Node): boolean {
  return listRoutes(node.links, address.family, { index }).some(({ dst }) => isWhole(dst, address));
}

/**
 * Makes the host's end so again; what is there stays. An end that is gone stays gone, and one that a DEL has
 * shut stays shut: the DEL leaves its mark before it shuts the end, so one of the two sees the other.
 */
function putBackRoutes(step: HostRouteStep, node: Node): void {
  const { key, hostInterface: name } = step;
  const link = getLink(node.links, { name });
  if (link === undefined || !node.records.isComplete(key)) return;
  attempt("sysctl", name, () => prepare(step));
  send(step, link.index, node);
  if (!node.records.isComplete(key)) shutPort(name, node);
}

/** Makes all of it by one send. A part that the end has already is none to make. */
function send(step: HostRouteStep, index: number, node: Node): void {
  const { hostInterface: name } = step;
  const requests = requestsOf(step, index);
  const outcomes = attempt("link", name, () => node.links.transact(requests.map(({ message }) => message)));
  for (const [at, request] of requests.entries()) {
    const error = outcomes[at]?.error;
    const { reached } = request;
    const isThere = isErrno(error, "EEXIST") && (reached === undefined || hasRoute(reached, index, node));
    if (error !== undefined && !isThere) throw explainRefusal({ request, error, name }, node);
  }
}
