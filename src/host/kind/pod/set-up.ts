// Setting up the pod's end: its settings, then link, addresses and routes in one send.
import type { CniError } from "../../../cni/error.ts";
import { addressHint, attempt, explain } from "../../../failure/failure.ts";
import { formatPrefix, hasFamily } from "../../../ip/prefix.ts";
import { addAddressMessage, listAddresses, readAddress } from "../../../net/address.ts";
import { getLinkMessage } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { addRouteMessage } from "../../../net/route.ts";
import { ensureSysctlIfPossible, ensureSysctlIfThere } from "../../../net/sysctl.ts";
import type { NetlinkSocket } from "../../../netlink/socket.ts";
import type { PodStep } from "../../../plan/step.ts";
import { monotonicMs } from "../../../sys/clock.ts";
import { errnoOf, SystemError } from "../../../sys/errno.ts";
import type { Applying } from "../../kind.ts";

const SETTLE_MS = 2_000;

/**
 * Raises the pod's end and gives it its addresses and routes; every IPv6 address answers when this returns.
 * Throws CniError.
 */
export function setUp(step: PodStep, on: Applying): void {
  const { pod } = on;
  const hasIPv6 = hasFamily(step.addresses, 6);
  if (step.addresses.length > 0)
    attempt("sysctl", `net.ipv6.conf.${step.interfaceName}`, () => pod.inside(() => prepare(step, hasIPv6)));
  using events = hasIPv6 ? pod.openAddressEvents() : undefined;
  raise(step, on);
  if (events !== undefined) attempt("address", step.interfaceName, () => awaitAddresses(step, on, events));
}

/**
 * Makes the settings that come before the pod's end is raised; the thread is in the pod's namespace. An
 * interface with addresses by IPAM takes neither addresses nor routes from router advertisements: another pod
 * could send them.
 */
export function prepare(step: PodStep, hasIPv6: boolean): void {
  if (hasIPv6) prepareIPv6(step);
  ensureSysctlIfPossible(`ipv6/conf/${step.interfaceName}/accept_ra`, "0");
}

/**
 * Makes the IPv6 settings. With accept_dad 0 the link-local address is usable at once, too; ndisc_notify
 * cannot be set by netlink.
 */
function prepareIPv6({ interfaceName, detection }: PodStep): void {
  for (const name of ["lo", interfaceName]) ensureSysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, "0");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/accept_dad`, detection === undefined ? "0" : "1");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/keep_addr_on_down`, "1");
  ensureSysctlIfPossible(`ipv6/conf/${interfaceName}/ndisc_notify`, "1");
}

/**
 * Raises the pod's end with addresses and routes in one send: the kernel works through it in order. Throws
 * CniError.
 */
export function raise(step: PodStep, { pod, podIndex: index }: Applying): void {
  const messages = [
    changeLinkMessage(
      { index },
      { up: true, arpNotify: true },
      `set up interface ${step.interfaceName} in the pod`,
    ),
  ];
  for (const prefix of step.addresses)
    messages.push(
      addAddressMessage(index, prefix, {
        detectsDuplicates: step.detection !== undefined,
        makesRoute: step.subnetsAreOnLink,
      }),
    );
  for (const route of step.routes) messages.push(addRouteMessage({ ...route, index }));
  if (step.activates) messages.push(getLinkMessage({ index }));
  const outcomes = attempt("link", step.interfaceName, () => pod.links.transact(messages));
  for (let at = 0; at < outcomes.length; at++) {
    const error = outcomes[at]?.error;
    if (error !== undefined) throw explainRefusal(step, at, error);
  }
}

/**
 * The refusal of the request with index `at`, explained: the interface comes first, then the addresses, then
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
function awaitAddresses(step: PodStep, { pod, podIndex: index }: Applying, events: NetlinkSocket): void {
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
  if (waiting.size > 0) for (const address of listAddresses(pod.links, index)) settle(address);
  if (waiting.size > 0)
    throw new SystemError(
      `use address ${[...waiting].join(", ")}`,
      errnoOf("ETIMEDOUT"),
      "the kernel still calls it tentative",
    );
}
