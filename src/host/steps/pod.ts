// The pod's end: up, with its addresses and routes.
import type { CniError } from "../../cni/error.ts";
import { formatAddress, sameAddress } from "../../ip/address.ts";
import { formatPrefix, hasFamily, samePrefix } from "../../ip/prefix.ts";
import { addAddressMessage, listAddresses, readAddress } from "../../net/address.ts";
import { getLinkMessage, readLink } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { addRouteMessage, type LinkRoute, listRoutes } from "../../net/route.ts";
import { ensureSysctlIfPossible, ensureSysctlIfThere } from "../../net/sysctl.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { RT_TABLE_MAIN } from "../../netlink/uapi/rtnetlink.ts";
import type { PodRoute, PodStep } from "../../plan/step.ts";
import { monotonicMs } from "../../sys/clock.ts";
import { errnoOf, SystemError } from "../../sys/errno.ts";
import { addressHint, attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";

const SETTLE_MS = 2_000;

/**
 * Raises the pod's end, number `index` there, and gives it its addresses and routes; every IPv6 address
 * answers when this returns.
 */
export function setUpPod(step: PodStep, machine: Machine, index: number): void {
  const hasIPv6 = hasFamily(step.addresses, 6);
  if (step.addresses.length > 0)
    attempt("sysctl", `net.ipv6.conf.${step.interfaceName}`, () =>
      machine.pod.inside(() => prepare(step, hasIPv6)),
    );
  using events = hasIPv6 ? machine.pod.openAddressEvents() : undefined;
  raise(step, machine, index);
  if (events !== undefined)
    attempt("address", step.interfaceName, () => awaitAddresses(step, machine, index, events));
}

/** What is wrong with the pod's addresses and routes, or undefined. What others added is their business. */
export function verifyPod(step: PodStep, machine: Machine): string | undefined {
  const [outcome] = machine.pod.links.transact([getLinkMessage({ name: step.interfaceName })]);
  const reply = outcome?.replies[0];
  if (reply === undefined) return `interface ${step.interfaceName} in the pod does not exist`;
  const { index } = readLink(reply);
  const present = listAddresses(machine.pod.links, index);
  const lost = step.addresses.find((wanted) => !present.some(({ prefix }) => samePrefix(prefix, wanted)));
  if (lost !== undefined)
    return `interface ${step.interfaceName} in the pod has no address ${formatPrefix(lost)}`;
  const useless = step.addresses.find((wanted) =>
    present.some(({ prefix, duplicate }) => duplicate && samePrefix(prefix, wanted)),
  );
  if (useless !== undefined)
    return `address ${formatPrefix(useless)} of ${step.interfaceName} in the pod is in DADFAILED state: somebody else has it`;
  const missing = findMissingRoute(step.routes, machine, index);
  if (missing === undefined) return undefined;
  const via = missing.gateway === undefined ? "" : ` via ${formatAddress(missing.gateway)}`;
  return `the pod has no route to ${formatPrefix(missing.dst)}${via} by ${step.interfaceName}`;
}

/**
 * In the pod's namespace, before its end is raised. What has addresses by IPAM takes none, and no routes,
 * from a router that somebody plays on the bridge.
 */
export function prepare(step: PodStep, hasIPv6: boolean): void {
  if (hasIPv6) prepareIPv6(step);
  ensureSysctlIfPossible(`ipv6/conf/${step.interfaceName}/accept_ra`, "0");
}

/** accept_dad 0: a link-local address need not be waited for either; ndisc_notify has no netlink way. */
function prepareIPv6({ interfaceName, detectThrough }: PodStep): void {
  for (const name of ["lo", interfaceName]) ensureSysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, "0");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/accept_dad`, detectThrough === undefined ? "0" : "1");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/keep_addr_on_down`, "1");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/ndisc_notify`, "1");
}

/** All in one send: the kernel works through it in order. Throws CniError. */
export function raise(step: PodStep, machine: Machine, index: number): void {
  const messages = [
    changeLinkMessage(
      { index },
      { up: true, arpNotify: true },
      `set up interface ${step.interfaceName} in the pod`,
    ),
  ];
  for (const prefix of step.addresses)
    messages.push(addAddressMessage(index, prefix, step.detectThrough !== undefined));
  for (const route of step.routes) messages.push(addRouteMessage({ ...route, index }));
  const outcomes = attempt("link", step.interfaceName, () => machine.pod.links.transact(messages));
  for (let at = 0; at < outcomes.length; at++) {
    const error = outcomes[at]?.error;
    if (error !== undefined) throw explainRefusal(step, at, error);
  }
}

/**
 * What the refusal of the request with this number means: the interface comes first, then the addresses, then
 * the routes.
 */
function explainRefusal(step: PodStep, at: number, error: SystemError): CniError {
  const prefix = step.addresses[at - 1];
  const route = step.routes[at - 1 - step.addresses.length];
  if (prefix !== undefined)
    return explain(
      "address",
      `${formatPrefix(prefix)} on ${step.interfaceName} in the pod`,
      error,
      addressHint(error),
    );
  if (route !== undefined)
    return explain("route", `${formatPrefix(route.dst)} in the pod`, error, routeHint(error));
  return explain("link", step.interfaceName, error);
}

function routeHint({ errno }: SystemError): string | undefined {
  if (errno === errnoOf("EEXIST"))
    return "Take one of the two out of ipam.routes, or give them different priorities";
  return errno === errnoOf("EINVAL") || errno === errnoOf("ENETUNREACH")
    ? "Check gateway, scope and table of this route in ipam.routes"
    : undefined;
}

/**
 * Waits until the kernel says of each IPv6 address that it is in use; even one without duplicate detection
 * needs a moment.
 */
function awaitAddresses(step: PodStep, machine: Machine, index: number, events: NetlinkSocket): void {
  const waiting = new Set(step.addresses.filter(({ address }) => address.family === 6).map(formatPrefix));
  const settle = (address: ReturnType<typeof readAddress>) => {
    if (address !== undefined && address.index === index && !address.tentative)
      waiting.delete(formatPrefix(address.prefix));
  };
  const deadline = monotonicMs() + SETTLE_MS;
  while (waiting.size > 0 && monotonicMs() < deadline) {
    for (const reply of events.receive("wait for the pod's addresses", deadline - monotonicMs()))
      settle(readAddress(reply));
  }
  if (waiting.size > 0) for (const address of listAddresses(machine.pod.links, index)) settle(address);
  if (waiting.size > 0)
    throw new SystemError(
      `use address ${[...waiting].join(", ")}`,
      errnoOf("ETIMEDOUT"),
      "the kernel still calls it tentative",
    );
}

/**
 * The first of these routes that the pod's interface with this number does not have. Each table is read once.
 * Throws SystemError.
 */
export function findMissingRoute(
  routes: readonly PodRoute[],
  machine: Machine,
  index: number,
): PodRoute | undefined {
  const tables = new Map<string, Map<string, LinkRoute[]>>();
  return routes.find((wanted) => {
    const {
      dst: {
        address: { family },
      },
      table = RT_TABLE_MAIN,
    } = wanted;
    const name = `${family} ${table}`;
    const byDestination =
      tables.get(name) ?? groupByDestination(listRoutes(machine.pod.links, family, { index, table }));
    tables.set(name, byDestination);
    return byDestination.get(formatPrefix(wanted.dst))?.some((route) => isRoute(route, wanted)) !== true;
  });
}

function groupByDestination(routes: readonly LinkRoute[]): Map<string, LinkRoute[]> {
  const groups = new Map<string, LinkRoute[]>();
  for (const route of routes) {
    const destination = formatPrefix(route.dst);
    const group = groups.get(destination);
    if (group === undefined) groups.set(destination, [route]);
    else group.push(route);
  }
  return groups;
}

function isRoute(route: LinkRoute, wanted: PodRoute): boolean {
  if (!samePrefix(route.dst, wanted.dst)) return false;
  const given: [number | undefined, number | undefined][] = [
    [wanted.mtu, route.mtu],
    [wanted.advmss, route.advmss],
    [wanted.priority, route.priority],
    [wanted.scope, route.scope],
  ];
  if (
    given.some(
      ([want, have]) =>
        want !== undefined && want !== have && !(wanted.dst.address.family === 6 && want === wanted.scope),
    )
  )
    return false;
  return (
    wanted.gateway === undefined ||
    (route.gateway !== undefined && sameAddress(wanted.gateway, route.gateway))
  );
}
