// Forwarding between the pods and the rest of the world.

import { attempt } from "../../../failure/failure.ts";
import type { Family } from "../../../ip/address.ts";
import { getLink } from "../../../net/link.ts";
import { listRoutes } from "../../../net/route-list.ts";
import { ensureSysctl, readSysctl } from "../../../net/sysctl.ts";
import { RTPROT_RA } from "../../../netlink/uapi/rtnetlink.ts";
import type { ForwardingStep } from "../../../plan/step.ts";
import { type Difference, restorable, sysctlCommand } from "../../difference.ts";
import type { Renewal, StayingKind } from "../../kind.ts";
import type { Node } from "../../node.ts";

const SWITCH: Record<Family, string> = { 4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding" };

export const forwarding: StayingKind<ForwardingStep> = {
  apply(step, { node }) {
    for (const family of step.families) ensureForwarding(family, node);
  },
  verify: verifyForwarding,
  renew: switchOnAgain,
};

/** True while the node forwards packets of the family. Throws SystemError. */
export function isForwarding(family: Family): boolean {
  return readSysctl(SWITCH[family]) === "1";
}

/** Switches forwarding on, unless it is. True when it was off. Throws CniError 140. */
export function ensureForwarding(family: Family, node: Node): boolean {
  const setting = SWITCH[family];
  const ensure = (): boolean => {
    if (isForwarding(family)) return false;
    if (family === 6) keepAdvertisedRoutes(node);
    ensureSysctl(setting, "1");
    return true;
  };
  const hint = "Switch it on by hand with sysctl, or mount /proc/sys writable for the runtime";
  return attempt("sysctl", `/proc/sys/net/${setting}`, ensure, hint);
}

function switchOnAgain(steps: readonly ForwardingStep[], node: Node): Renewal[] {
  const families = ([4, 6] as const).filter((family) => steps.some((step) => step.families.includes(family)));
  return families.map((family) => () => {
    const isSwitched = ensureForwarding(family, node);
    return isSwitched ? `IPv${family} is forwarded again` : undefined;
  });
}

/** The problem with forwarding; undefined when there is none. */
function verifyForwarding(step: ForwardingStep): Difference | undefined {
  return step.families.map(forwardingFault).find((fault) => fault !== undefined);
}

/** The problem with forwarding of a family; undefined while it is on. */
export function forwardingFault(family: Family): Difference | undefined {
  if (isForwarding(family)) return undefined;
  return restorable(
    `forwarding of IPv${family} is switched off (/proc/sys/net/${SWITCH[family]})`,
    sysctlCommand(SWITCH[family], "1"),
  );
}

/**
 * Keeps the routes that routers advertised to the host, its default route too. A host that starts to forward
 * drops these unless the link's accept_ra is 2 before; set afterwards it brings no route back. Only links
 * with such routes are touched: on other links a router advertisement may come from a pod.
 */
function keepAdvertisedRoutes(node: Node): void {
  const routes = listRoutes(node.links, 6, { protocol: RTPROT_RA });
  for (const index of new Set(routes.map((route) => route.index))) {
    const name = getLink(node.links, { index })?.name;
    if (name !== undefined && readSysctl(`ipv6/conf/${name}/accept_ra`) === "1")
      ensureSysctl(`ipv6/conf/${name}/accept_ra`, "2");
  }
}
