// The bridge of a network: made race-free by the kernel's own refusal of a second one, with a MAC that does
// not drift.
import { CniError } from "../../cni/error.ts";
import { getLink, type Link } from "../../net/link.ts";
import { changeLinkMessage, createBridgeMessage, type LinkChange } from "../../net/link-change.ts";
import { ensureSysctlIfPossible } from "../../net/sysctl.ts";
import type { BridgeStep, FoundBridge } from "../../plan/step.ts";
import { isErrno } from "../../sys/errno.ts";
import { attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { requireVlanFiltering, verifyVlanFiltering, vlanHint } from "../vlan-filtering.ts";

/** What later steps and the result need of the bridge. */
export interface Bridge {
  index: number;
  mac: string;
  mtu: number;
}

/**
 * The alias of a bridge that we raised first, and whose pods have always had the MAC that follows their IPv4
 * addresses. It is where people see it, and goes with the bridge and so with all who may know a MAC.
 */
const MACS_FOLLOW = "pontoon: 0a:58 and its IPv4 address are a pod's MAC";

/** Makes sure that the bridge is there and up, and gives it. */
export function ensureBridge(step: BridgeStep, machine: Machine): Bridge {
  const { found } = step;
  if (found !== undefined && isReady(step, found))
    return { index: found.index, mac: step.mac, mtu: step.mtu };
  return attempt(
    "bridge",
    step.name,
    () => {
      if (found === undefined) make(step, machine);
      else {
        refuseAdvertisements(step.name);
        change(step, machine, lessAlias(step, found.macsFollow));
      }
      return mustExist(step, machine);
    },
    step.vlanFiltering ? vlanHint : undefined,
  );
}

function make(step: BridgeStep, machine: Machine): void {
  const [outcome] = machine.links.transact([createBridgeMessage(step)]);
  // EEXIST: another ADD was faster, or one was killed before it came further than this.
  if (outcome?.error !== undefined && !isErrno(outcome.error, "EEXIST")) throw outcome.error;
  const link = mustExist(step, machine);
  checkIsBridge(step.name, link);
  if (step.vlanFiltering) requireVlanFiltering(step.name, machine);
  refuseAdvertisements(step.name);
  // The kernel asks for a neighbour only with a link-local address that was checked for duplicates, which
  // takes up to two seconds; until then no packet from beyond the node would reach a pod. It is made of a MAC
  // that nobody else has.
  ensureSysctlIfPossible(`ipv6/conf/${step.name}/accept_dad`, "0");
  // One that is still down and has no name of somebody else's is as good as new: nobody knows anybody.
  const alias =
    step.macsFollow && !link.up && link.alias === ""
      ? { alias: MACS_FOLLOW }
      : lessAlias(step, saysMacsFollow(link));
  // The MTU is set, not given at creation: only then does the bridge keep it when its ports come and go.
  change(step, machine, { mtu: step.mtu, ...alias });
}

/** Takes away our alias when it is not true any more. One of somebody else stays. */
function lessAlias(step: BridgeStep, isThere: boolean): LinkChange {
  return isThere && !step.macsFollow ? { alias: "" } : {};
}

/** True when {@link BridgeStep.macsFollow} is true of a bridge that is there. */
export function saysMacsFollow({ alias }: Link): boolean {
  return alias === MACS_FOLLOW;
}

/** A pod of the bridge got another MAC later: its next owner has to be announced. Throws SystemError. */
export function forgetMacsFollow(bridge: string, machine: Machine): void {
  const link = getLink(machine.links, { name: bridge });
  if (link !== undefined && saysMacsFollow(link)) takeAlias(link, machine);
}

/** The same for a bridge that says so. */
export function takeAlias({ index, name }: Link, machine: Machine): void {
  machine.links.execute([changeLinkMessage({ index }, { alias: "" }, `take the alias from bridge ${name}`)]);
}

/** A router that a pod plays must not give the host addresses and routes. */
export function refuseAdvertisements(bridge: string): void {
  ensureSysctlIfPossible(`ipv6/conf/${bridge}/accept_ra`, "0");
}

/** A bridge as it must be, or the error that says why the link of that name is none. */
export function checkIsBridge(name: string, link: Link): void {
  if (link.kind === "bridge") return;
  throw new CniError("bridge", {
    about: `"${name}" already exists but is not a bridge`,
    cause: `it is a ${link.kind === "" ? "plain" : link.kind} interface`,
    hint: `Choose another name for "bridge" in the network configuration, or rename the interface ${name}`,
  });
}

/**
 * What is wrong with the bridge, or undefined. Flags that others may set (promiscuous, by tcpdump) are not
 * looked at.
 */
export function verifyBridge(step: BridgeStep, machine: Machine): string | undefined {
  const link = getLink(machine.links, { name: step.name });
  if (link === undefined) return `bridge ${step.name} does not exist`;
  if (link.kind !== "bridge") return `${step.name} is not a bridge`;
  if (!link.up) return `bridge ${step.name} is down`;
  if (step.promiscuous && !link.promiscuous) return `bridge ${step.name} is not promiscuous`;
  return step.vlanFiltering ? verifyVlanFiltering(step.name, machine) : undefined;
}

function isReady(step: BridgeStep, { up, promiscuous, macsFollow }: FoundBridge): boolean {
  return up && (promiscuous || !step.promiscuous) && (step.macsFollow || !macsFollow);
}

function change(step: BridgeStep, machine: Machine, wanted: LinkChange): void {
  const all: LinkChange = { ...wanted, up: true, ...(step.promiscuous ? { promiscuous: true } : {}) };
  machine.links.execute([changeLinkMessage({ name: step.name }, all, `set up bridge ${step.name}`)]);
}

function mustExist(step: BridgeStep, machine: Machine): Link {
  const link = getLink(machine.links, { name: step.name });
  if (link !== undefined) return link;
  throw new CniError("tryAgainLater", {
    about: `bridge ${step.name} was deleted meanwhile`,
    hint: "Find out what deletes the bridge, then try again",
  });
}
