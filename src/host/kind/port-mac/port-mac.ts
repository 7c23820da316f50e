// The pod's MAC as an entry of the bridge's forwarding table, at a port from which the bridge learns none.
import { attempt } from "../../../failure/failure.ts";
import { addMacMessage, knowsMac } from "../../../net/bridge-entry.ts";
import { getLink } from "../../../net/link.ts";
import type { PortMacStep } from "../../../plan/step.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";

export const portMac: StepKind<PortMacStep> = { apply: putEntry, verify: verifyEntry };

function putEntry({ hostInterface, mac }: PortMacStep, { node, hostIndex: port }: Applying): void {
  attempt("link", hostInterface, () => node.links.execute([addMacMessage({ port, mac })]));
}

/** The problem with the entry as a sentence; undefined when there is none. */
function verifyEntry(step: PortMacStep, { node }: Place): string | undefined {
  const { bridge, hostInterface, mac, vlan } = step;
  const port = getLink(node.links, { name: hostInterface });
  // The step "veth" reports a link that is missing, or is no port.
  if (port?.port === undefined || knowsMac(node.links, { port: port.index, mac }, vlan)) return undefined;
  return `bridge ${bridge} has no static, sticky entry for ${mac} at ${hostInterface}`;
}
