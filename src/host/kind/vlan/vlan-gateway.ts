// The gateway of a VLAN: a veth pair on the node, one end a port of the bridge in that VLAN, the other end
// named `<bridge>.<vlan>` and with the gateway's addresses. The reference and Pontoon each use an interface
// of that name that the other made. Shared, as the bridge is: made once, never removed.

import type { PortVlans } from "../../../attachment/link.ts";
import { randomMac } from "../../../attachment/mac.ts";
import { gatewayPortName } from "../../../attachment/name.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { vlanHint } from "../../../look/vlan-filtering.ts";
import { takesAdvertisements } from "../../../net/advertisement.ts";
import { getLink, type Link } from "../../../net/link.ts";
import { changeLinkMessage, createVethMessage, removeLink } from "../../../net/link-change.ts";
import { ensureSysctlIfPossible } from "../../../net/sysctl.ts";
import { NetlinkSocket } from "../../../netlink/socket.ts";
import { NETLINK_ROUTE } from "../../../netlink/uapi/netlink.ts";
import { IF_OPER_UP, RTNLGRP_LINK } from "../../../netlink/uapi/rtnetlink.ts";
import type { SharedLink } from "../../../plan/result.ts";
import type { VlanGatewayStep } from "../../../plan/step.ts";
import { monotonicMs } from "../../../sys/clock.ts";
import { errnoOf, isErrno, SystemError } from "../../../sys/errno.ts";
import { curable, type Difference, shellWord, sysctlCommand } from "../../difference.ts";
import type { Applying, Place, StayingKind } from "../../kind.ts";
import { requireLink } from "../../link.ts";
import type { Node } from "../../node.ts";
import { raisePort } from "../announce/bridge-port.ts";
import { closeUnguarded, isUnguarded, unguarded } from "../host-port/localhost.ts";
import { portVlanMessages, vlanProblem } from "./port-vlan.ts";

export const vlanGateway: StayingKind<VlanGatewayStep> = {
  apply: ensureVlanGateway,
  verify: verifyVlanGateway,
};

/**
 * Makes sure that the gateway's interface is there, in its VLAN and up. Throws CniError; a pair that this
 * call made is then gone again.
 */
function ensureVlanGateway(step: VlanGatewayStep, on: Applying): void {
  const { node, bridge } = on;
  const ensure = (): void => {
    const found = findUsable(step, node, bridge);
    const isNew = found === undefined && createPair(step, node, bridge);
    try {
      on.vlanGateway = settle(step, on, found ?? mustExist(step, node));
    } catch (error) {
      if (isNew) removeLink(node.links, { name: step.gatewayInterface });
      throw error;
    }
  };
  attempt("bridge", step.gatewayInterface, ensure, vlanHint);
}

/** The longest wait for a carrier, more than any carrier needs. */
const CARRIER_MS = 2_000;
/** The longest wait for one event, before the kernel is asked again. */
const EVENT_MS = 250;

/**
 * Returns when the gateway's interface can send: a VLAN device gets its carrier after the bridge, and the
 * bridge gets it with the pod's port. Throws CniError.
 */
export function awaitVlanGateway({ index }: SharedLink, node: Node): void {
  attempt("bridge", "the gateway of its VLAN", () => {
    if (isOperating(index, node)) return;
    using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
    for (
      const deadline = monotonicMs() + CARRIER_MS;
      !isOperating(index, node);
      events.waitForEvent("wait for the gateway of the VLAN", EVENT_MS)
    ) {
      if (monotonicMs() > deadline)
        throw new SystemError(`use interface number ${index}`, errnoOf("ETIMEDOUT"), "it has no carrier");
    }
  });
}

function isOperating(index: number, node: Node): boolean {
  return requireLink(node.links, { index }, "the gateway of the VLAN").operState === IF_OPER_UP;
}

/** The problem with the gateway's interface as a sentence; undefined when there is none. */
function verifyVlanGateway(step: VlanGatewayStep, { node }: Place): Difference | string | undefined {
  const link = getLink(node.links, { name: step.gatewayInterface });
  if (link === undefined) return `${step.gatewayInterface}, the gateway of VLAN ${step.vlan}, does not exist`;
  if (!link.up)
    return curable(
      `${step.gatewayInterface}, the gateway of VLAN ${step.vlan}, is down`,
      `ip link set dev ${shellWord(step.gatewayInterface)} up`,
    );
  if (isUnguarded(link, node))
    return curable(
      unguarded(step.gatewayInterface),
      sysctlCommand(`ipv4/conf/${step.gatewayInterface}/route_localnet`, "0"),
    );
  if (link.kind === "vlan") return undefined;
  const port = portOf(link, node);
  if (port === undefined || port.master !== getLink(node.links, { name: step.bridge })?.index)
    return `${step.gatewayInterface}, the gateway of VLAN ${step.vlan}, is not connected to bridge ${step.bridge}`;
  if (!port.up)
    return curable(
      `${port.name}, the port of ${step.gatewayInterface}, is down`,
      `ip link set dev ${port.name} up`,
    );
  if (takesAdvertisements(step.gatewayInterface))
    return `${step.gatewayInterface} takes router advertisements, also of pods (net.ipv6.conf.${step.gatewayInterface}.accept_ra)`;
  return vlanProblem(port, vlansOf(step), node);
}

/**
 * The usable interface of that name, or undefined. A pair of Pontoon's without its bridge is removed; the
 * addresses come back with the next pair.
 */
function findUsable(step: VlanGatewayStep, node: Node, bridge: SharedLink): Link | undefined {
  const link = getLink(node.links, { name: step.gatewayInterface });
  if (link === undefined || link.kind === "vlan") return link;
  const port = portOf(link, node);
  if (port?.master === bridge.index) return link;
  if (port?.master !== 0 || port.name !== gatewayPortName(step.bridge, step.vlan)) throw notOurs(step, link);
  removeLink(node.links, { name: step.gatewayInterface });
  return undefined;
}

/** Creates the pair. True when this call made it, false when another ADD was faster. */
function createPair(
  { bridge, gatewayInterface: name, vlan }: VlanGatewayStep,
  node: Node,
  { index, mtu }: SharedLink,
): boolean {
  const port = gatewayPortName(bridge, vlan);
  const [created, settled] = node.links.transact([
    createVethMessage({
      host: { name: port, mac: randomMac() },
      pod: { name, mac: randomMac() },
      mtu,
      bridgeIndex: index,
      namespaceFd: node.home.fd,
    }),
    changeLinkMessage({ name: port }, { addressGeneration: "none" }, `set up ${port}`),
  ]);
  if (isErrno(created?.error, "EEXIST")) return false;
  if (created?.error !== undefined) throw created.error;
  // A link without IPv6 does not know the setting, and gets no address.
  if (settled?.error !== undefined && !isErrno(settled.error, "EAFNOSUPPORT")) throw settled.error;
  // The link-local address has to be in use at once, as on the bridge: the kernel asks for pods by it.
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_dad`, "0");
  return true;
}

/** Puts the pair into its VLAN and raises it. An interface of another program stays as it is. */
function settle(step: VlanGatewayStep, { node, bridge }: Applying, link: Link): SharedLink {
  closeUnguarded(link, node);
  const raise = changeLinkMessage({ index: link.index }, { up: true }, `set up ${link.name}`);
  if (link.kind === "vlan") {
    if (!link.up) node.links.execute([raise]);
    return link;
  }
  const port = portOf(link, node);
  if (port?.master !== bridge.index) throw notOurs(step, link);
  // The VLAN comes before the raise, so that no packet of another VLAN gets in.
  node.links.execute([...portVlanMessages(port.index, vlansOf(step)), ...(link.up ? [] : [raise])]);
  const podEnd = { links: node.links, name: link.name };
  raisePort({ port: { bridge: step.bridge, hostInterface: port.name }, podEnd, node });
  return link;
}

/** The other end of a pair that has both ends on the node; undefined for any other link. */
function portOf(link: Link, node: Node): Link | undefined {
  if (link.kind !== "veth" || link.peerIndex === 0) return undefined;
  const port = getLink(node.links, { index: link.peerIndex });
  return port?.peerIndex === link.index ? port : undefined;
}

function vlansOf({ vlan, keepDefaultVlan }: VlanGatewayStep): PortVlans {
  return { native: vlan, tagged: [], keepOthers: keepDefaultVlan };
}

function mustExist({ gatewayInterface: name, bridge, vlan }: VlanGatewayStep, node: Node): Link {
  const link = getLink(node.links, { name });
  if (link !== undefined) return link;
  const port = gatewayPortName(bridge, vlan);
  if (getLink(node.links, { name: port }) === undefined)
    throw new SystemError(`find ${name}`, errnoOf("ENODEV"));
  throw new CniError("bridge", {
    about: `the gateway's interface ${name} cannot be made`,
    cause: `${port}, its port, exists already`,
    hint: `Remove it with "ip link delete ${port}"`,
  });
}

function notOurs({ gatewayInterface: name, vlan, bridge }: VlanGatewayStep, { kind }: Link): CniError {
  return new CniError("bridge", {
    about: `"${name}" already exists but is not the gateway of VLAN ${vlan} on ${bridge}`,
    cause:
      kind === "veth"
        ? `it is not connected to ${bridge}`
        : `it is a ${kind === "" ? "plain" : kind} interface`,
    hint: `Rename or delete the interface ${name}, or choose another name for "bridge" in the network configuration`,
  });
}
