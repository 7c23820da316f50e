// The VLANs of a bridge port: one for packets without a tag, others for packets with their tag.

import type { PortVlans } from "../../../attachment/link.ts";
import { attempt } from "../../../failure/failure.ts";
import { vlanHint } from "../../../look/vlan-filtering.ts";
import {
  addNativeVlanMessage,
  addTaggedVlansMessage,
  formatRange,
  listPortVlans,
  type PortVlan,
  removeVlansMessage,
} from "../../../net/bridge-vlan.ts";
import { getLink, type Link } from "../../../net/link.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { PortVlanStep } from "../../../plan/step.ts";
import { type Difference, restorable } from "../../difference.ts";
import type { Applying, Place, Renewal, StepKind } from "../../kind.ts";
import { requireLink } from "../../link.ts";
import type { Node } from "../../node.ts";

export const portVlan: StepKind<PortVlanStep> = {
  apply: putPortVlans,
  verify: verifyPortVlans,
  renew: renewVlans,
};

const LARGEST_VLAN = 4094;

/** Puts the port into its VLANs, and out of all others. */
function putPortVlans(step: PortVlanStep, { node }: Applying): void {
  attempt(
    "link",
    step.hostInterface,
    () => {
      const port = requireLink(node.links, { name: step.hostInterface }, step.hostInterface);
      node.links.execute(portVlanMessages(port.index, step));
    },
    vlanHint,
  );
}

/** The problem with the port's VLANs; undefined when there is none. */
function verifyPortVlans(step: PortVlanStep, { node }: Place): Difference | undefined {
  const port = getLink(node.links, { name: step.hostInterface });
  const problem = port && vlanProblem(port, step, node);
  return problem === undefined ? undefined : restorable(problem);
}

/** Puts ports back into their VLANs. A link that is no port has none. */
function renewVlans(steps: readonly PortVlanStep[], node: Node): Renewal[] {
  return steps.map((step) => () => {
    const port = getLink(node.links, { name: step.hostInterface });
    if (port?.port === undefined || vlanProblem(port, step, node) === undefined) return undefined;
    attempt("link", port.name, () => node.links.execute(portVlanMessages(port.index, step)), vlanHint);
    return `port ${port.name} is in its VLANs again`;
  });
}

/**
 * The requests that put a port into its VLANs, whatever VLANs it is in now. The native VLAN is never removed,
 * so traffic of a port in use goes on; it is set last, since a range of tagged VLANs may contain it.
 */
export function portVlanMessages(port: number, { native, tagged, keepOthers }: PortVlans): Message[] {
  const others = [
    { first: 1, last: native - 1 },
    { first: native + 1, last: LARGEST_VLAN },
  ].filter(({ first, last }) => first <= last);
  return [
    ...(keepOthers ? [] : others.map((range) => removeVlansMessage(port, range))),
    ...tagged.map((range) => addTaggedVlansMessage(port, range)),
    addNativeVlanMessage(port, native),
  ];
}

/** A sentence when the port lacks one of its VLANs, or is in others too; undefined when all is well. */
export function vlanProblem(
  { name, index }: Pick<Link, "name" | "index">,
  wanted: PortVlans,
  node: Node,
): string | undefined {
  const present = modesOf(listPortVlans(node.links, [index])[0] ?? []);
  const right = modesOf([
    ...wanted.tagged.map((range) => ({ ...range, native: false, untagged: false })),
    { first: wanted.native, last: wanted.native, native: true, untagged: true },
  ]);
  const isThere = [...right].every(([vlan, mode]) => present.get(vlan) === mode);
  const isAlone = wanted.keepOthers || present.size === right.size;
  if (isThere && isAlone) return undefined;
  return `${name} is in VLANs ${formatModes(present)} instead of ${formatModes(right)}${wanted.keepOthers ? " and others" : ""}`;
}

type Mode = "" | " (native)" | " (untagged)" | " (native, tagged)";

/** The mode of the port in each VLAN; of two entries for one VLAN the last counts, as in the kernel. */
function modesOf(vlans: PortVlan[]): Map<number, Mode> {
  const modes = new Map<number, Mode>();
  for (const { first, last, native, untagged } of vlans) {
    const mode = native ? (untagged ? " (native)" : " (native, tagged)") : untagged ? " (untagged)" : "";
    for (let vlan = first; vlan <= last; vlan++) modes.set(vlan, mode);
  }
  return modes;
}

/** The modes for people: `100 (native), 200-299`; `none`. */
function formatModes(modes: Map<number, Mode>): string {
  const runs: { first: number; last: number; mode: Mode }[] = [];
  for (const [vlan, mode] of [...modes].sort(([a], [b]) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === vlan - 1 && run.mode === mode) run.last = vlan;
    else runs.push({ first: vlan, last: vlan, mode });
  }
  return runs.length === 0 ? "none" : runs.map((run) => formatRange(run) + run.mode).join(", ");
}
