// The bridge of a network: made race-free by the kernel's own refusal of a second one, with a MAC that does not drift.
import { CniError } from "../../cni/error.ts";
import type { BridgeStep } from "../../plan/step.ts";
import { getLink, type Link } from "../../net/link.ts";
import { changeLinkMessage, createBridgeMessage, type LinkChange } from "../../net/link-change.ts";
import { ensureSysctlIfThere } from "../../net/sysctl.ts";
import { isErrno } from "../../sys/errno.ts";
import { attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";

/** Makes sure that the bridge is there and up, and gives it. */
export function ensureBridge(step: BridgeStep, machine: Machine): Link {
  return attempt("bridge", step.name, () => {
    const found = getLink(machine.links, { name: step.name });
    if (found !== undefined) return reuse(step, machine, found);
    try {
      machine.links.execute([createBridgeMessage(step)]);
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      return reuse(step, machine, mustExist(step, machine));
    }
    // A router that a pod plays must not give the host addresses and routes.
    ensureSysctlIfThere(`ipv6/conf/${step.name}/accept_ra`, "0");
    // The MTU is set, not given at creation: only then does the bridge keep it when its ports come and go.
    change(step, machine, { up: true, mtu: step.mtu, ...(step.promiscuous ? { promiscuous: true } : {}) });
    return mustExist(step, machine);
  });
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

/** What is wrong with the bridge, or undefined. Flags that others may set (promiscuous, by tcpdump) are not looked at. */
export function verifyBridge(step: BridgeStep, machine: Machine): string | undefined {
  const link = getLink(machine.links, { name: step.name });
  if (link === undefined) return `bridge ${step.name} does not exist`;
  if (link.kind !== "bridge") return `${step.name} is not a bridge`;
  if (!link.up) return `bridge ${step.name} is down`;
  if (step.promiscuous && !link.promiscuous) return `bridge ${step.name} is not promiscuous`;
  return undefined;
}

function reuse(step: BridgeStep, machine: Machine, link: Link): Link {
  checkIsBridge(step.name, link);
  const wanted: LinkChange = { ...(link.up ? {} : { up: true }), ...(step.promiscuous && !link.promiscuous ? { promiscuous: true } : {}) };
  if (Object.keys(wanted).length === 0) return link;
  change(step, machine, wanted);
  return mustExist(step, machine);
}

function change(step: BridgeStep, machine: Machine, wanted: LinkChange): void {
  machine.links.execute([changeLinkMessage({ name: step.name }, wanted, `set up bridge ${step.name}`)]);
}

function mustExist(step: BridgeStep, machine: Machine): Link {
  const link = getLink(machine.links, { name: step.name });
  if (link !== undefined) return link;
  throw new CniError("tryAgainLater", { about: `bridge ${step.name} was deleted meanwhile`, hint: "Find out what deletes the bridge, then try again" });
}
