// The gateway of a VLAN: a veth pair on the node, one end a port of the bridge in that VLAN, the other end
// named `<bridge>.<vlan>` and with the gateway's addresses. As in the reference, which uses what it finds
// under that name; so do we, and both use what the other one made. Shared, as the bridge is: made once, never
// taken away.
import { CniError } from "../../cni/error.ts";
import { getLink, type Link, randomMac } from "../../net/link.ts";
import { changeLinkMessage, createVethMessage, removeLink } from "../../net/link-change.ts";
import { ensureSysctlIfPossible } from "../../net/sysctl.ts";
import { NetlinkSocket } from "../../netlink/socket.ts";
import { NETLINK_ROUTE } from "../../netlink/uapi/netlink.ts";
import { IF_OPER_UP, RTNLGRP_LINK } from "../../netlink/uapi/rtnetlink.ts";
import type { PortVlans, VlanGatewayStep } from "../../plan/step.ts";
import { hostInterfaceOfDigest } from "../../record/digest.ts";
import { monotonicMs } from "../../sys/clock.ts";
import { errnoOf, isErrno, SystemError } from "../../sys/errno.ts";
import { sha256 } from "../../sys/hash.ts";
import { attempt, vanished } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { vlanHint } from "../vlan-filtering.ts";
import { raisePort } from "./announce.ts";
import type { Bridge } from "./bridge.ts";
import { portVlanMessages, vlanProblem } from "./port-vlan.ts";

/**
 * Makes sure that the gateway's interface is there, in its VLAN and up, and gives it. Throws CniError; then a
 * pair that was made here is gone again.
 */
export function ensureVlanGateway(step: VlanGatewayStep, machine: Machine, bridge: Bridge): Bridge {
  return attempt(
    "bridge",
    step.name,
    () => {
      const found = findUsable(step, machine, bridge);
      const isNew = found === undefined && createPair(step, machine, bridge);
      try {
        return settle(step, machine, bridge, found ?? mustExist(step, machine));
      } catch (error) {
        if (isNew) removeLink(machine.links, step);
        throw error;
      }
    },
    vlanHint,
  );
}

/** Longer than any carrier takes that comes at all. */
const CARRIER_MS = 2_000;
/** How long one wait for an event lasts before the kernel is asked again. */
const EVENT_MS = 250;

/**
 * Returns when the gateway's interface can send: one that is a VLAN device gets its carrier after the bridge,
 * and that one with the pod's port. Throws CniError.
 */
export function awaitVlanGateway({ index }: Bridge, machine: Machine): void {
  attempt("bridge", "the gateway of its VLAN", () => {
    if (isOperating(index, machine)) return;
    using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
    for (
      const deadline = monotonicMs() + CARRIER_MS;
      !isOperating(index, machine);
      events.waitForEvent("wait for the gateway of the VLAN", EVENT_MS)
    ) {
      if (monotonicMs() > deadline)
        throw new SystemError(`use interface number ${index}`, errnoOf("ETIMEDOUT"), "it has no carrier");
    }
  });
}

function isOperating(index: number, machine: Machine): boolean {
  const link = getLink(machine.links, { index });
  if (link === undefined) throw vanished("the gateway of the VLAN");
  return link.operState === IF_OPER_UP;
}

/** What is wrong with the gateway's interface, or undefined. */
export function verifyVlanGateway(step: VlanGatewayStep, machine: Machine): string | undefined {
  const link = getLink(machine.links, { name: step.name });
  if (link === undefined) return `${step.name}, the gateway of VLAN ${step.vlan}, does not exist`;
  if (!link.up) return `${step.name}, the gateway of VLAN ${step.vlan}, is down`;
  if (link.kind === "vlan") return undefined;
  const port = portOf(link, machine);
  if (port === undefined || port.master !== getLink(machine.links, { name: step.bridge })?.index)
    return `${step.name}, the gateway of VLAN ${step.vlan}, is not connected to bridge ${step.bridge}`;
  if (!port.up) return `${port.name}, the port of ${step.name}, is down`;
  return vlanProblem(port.name, port.index, vlansOf(step), machine);
}

/**
 * What is there under that name. A pair of ours whose bridge is gone goes too; the addresses come back with
 * the next one.
 */
function findUsable(step: VlanGatewayStep, machine: Machine, bridge: Bridge): Link | undefined {
  const link = getLink(machine.links, { name: step.name });
  if (link === undefined || link.kind === "vlan") return link;
  const port = portOf(link, machine);
  if (port?.master === bridge.index) return link;
  if (port?.master !== 0 || port.name !== portName(step.bridge, step.vlan)) throw notOurs(step, link);
  removeLink(machine.links, step);
  return undefined;
}

/** True when the pair was made here, false when another ADD was faster. */
function createPair(
  { bridge, name, vlan }: VlanGatewayStep,
  machine: Machine,
  { index, mtu }: Bridge,
): boolean {
  const port = portName(bridge, vlan);
  const [created, settled] = machine.links.transact([
    createVethMessage(
      { name: port, mac: randomMac() },
      { name, mac: randomMac() },
      mtu,
      index,
      machine.home.fd,
    ),
    changeLinkMessage({ name: port }, { addressGeneration: "none" }, `set up ${port}`),
  ]);
  if (isErrno(created?.error, "EEXIST")) return false;
  if (created?.error !== undefined) throw created.error;
  // A link without IPv6 does not know the setting, and makes no address either.
  if (settled?.error !== undefined && !isErrno(settled.error, "EAFNOSUPPORT")) throw settled.error;
  // As for the bridge: a pod is asked for with the link-local address, which has to be in use at once.
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_dad`, "0");
  return true;
}

function settle(step: VlanGatewayStep, machine: Machine, bridge: Bridge, link: Link): Bridge {
  const raise = changeLinkMessage({ index: link.index }, { up: true }, `set up ${link.name}`);
  if (link.kind === "vlan") {
    if (!link.up) machine.links.execute([raise]);
    return link;
  }
  const port = portOf(link, machine);
  if (port?.master !== bridge.index) throw notOurs(step, link);
  // Its VLAN first: nothing of another one gets in.
  machine.links.execute([...portVlanMessages(port.index, vlansOf(step)), ...(link.up ? [] : [raise])]);
  raisePort(
    { bridge: step.bridge, hostInterface: port.name },
    { links: machine.links, name: link.name },
    machine,
  );
  return link;
}

/** The other end of a pair, both ends of which are here. */
function portOf(link: Link, machine: Machine): Link | undefined {
  if (link.kind !== "veth" || link.peerIndex === 0) return undefined;
  const port = getLink(machine.links, { index: link.peerIndex });
  return port?.peerIndex === link.index ? port : undefined;
}

function vlansOf({ vlan, keepDefaultVlan }: VlanGatewayStep): PortVlans {
  return { native: vlan, tagged: [], keepOthers: keepDefaultVlan };
}

/**
 * No two may have the same, and nobody else makes one of this name. The port of a gateway that another plugin
 * made is known by the kernel's link to its peer alone.
 */
function portName(bridge: string, vlan: number): string {
  return hostInterfaceOfDigest(sha256(`gateway\0${bridge}\0${vlan}`));
}

function mustExist({ name, bridge, vlan }: VlanGatewayStep, machine: Machine): Link {
  const link = getLink(machine.links, { name });
  if (link !== undefined) return link;
  const port = portName(bridge, vlan);
  if (getLink(machine.links, { name: port }) === undefined)
    throw new SystemError(`find ${name}`, errnoOf("ENODEV"));
  throw new CniError("bridge", {
    about: `the gateway's interface ${name} cannot be made`,
    cause: `${port}, its port, exists already`,
    hint: `Remove it with "ip link delete ${port}"`,
  });
}

function notOurs({ name, vlan, bridge }: VlanGatewayStep, { kind }: Link): CniError {
  return new CniError("bridge", {
    about: `"${name}" already exists but is not the gateway of VLAN ${vlan} on ${bridge}`,
    cause:
      kind === "veth"
        ? `it is not connected to ${bridge}`
        : `it is a ${kind === "" ? "plain" : kind} interface`,
    hint: `Rename or delete the interface ${name}, or choose another name for "bridge" in the network configuration`,
  });
}
