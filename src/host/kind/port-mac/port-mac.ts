// The pod's MAC as an entry of the bridge's forwarding table, at a port from which the bridge learns none.
import { attempt } from "../../../failure/failure.ts";
import { addMacMessage, knowsMac } from "../../../net/bridge-entry.ts";
import { getLink } from "../../../net/link.ts";
import type { PortMacStep } from "../../../plan/step.ts";
import { type Difference, restorable } from "../../difference.ts";
import type { Applying, Place, Renewal, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";

export const portMac: StepKind<PortMacStep> = { apply: putEntry, verify: verifyEntry, renew: renewEntries };

function putEntry({ hostInterface, mac }: PortMacStep, { node, hostIndex: port }: Applying): void {
  attempt("link", hostInterface, () => node.links.execute([addMacMessage({ port, mac })]));
}

/** The problem with the entry; undefined when there is none. */
function verifyEntry(step: PortMacStep, { node }: Place): Difference | undefined {
  const { bridge, hostInterface, mac } = step;
  if (portWithoutEntry(step, node) === undefined) return undefined;
  return restorable(`bridge ${bridge} has no static, sticky entry for ${mac} at ${hostInterface}`);
}

/** Puts back entries that ports have lost, also with their bridge. */
function renewEntries(steps: readonly PortMacStep[], node: Node): Renewal[] {
  return steps.map((step) => () => {
    const { bridge, hostInterface, mac } = step;
    const port = portWithoutEntry(step, node);
    if (port === undefined) return undefined;
    attempt("link", hostInterface, () => node.links.execute([addMacMessage({ port, mac })]));
    return `bridge ${bridge} knows ${mac} at ${hostInterface} again`;
  });
}

/**
 * The index of a port that has lost its entry. The step "veth" reports a link that is missing, or is no
 * port.
 */
function portWithoutEntry({ hostInterface, mac, vlan }: PortMacStep, { links }: Node): number | undefined {
  const port = getLink(links, { name: hostInterface });
  return port?.port === undefined || knowsMac(links, { port: port.index, mac }, vlan)
    ? undefined
    : port.index;
}
