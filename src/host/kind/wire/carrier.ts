// The last part of an ADD on a wire: both ends carry packets, the other pod hears of the new one, and the end
// has the attachment's name.
import { attempt } from "../../../failure/failure.ts";
import { getLinkMessage } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import type { WireCarrierStep } from "../../../plan/step.ts";
import type { Applying, StepKind } from "../../kind.ts";
import { markWhole } from "./make.ts";
import { othersOf } from "./member.ts";

export const wireCarrier: StepKind<WireCarrierStep> = {
  apply(step, on) {
    attempt("link", step.pod.name, () => {
      if (step.pod.isRaised) carry(step, on);
      markWhole(on.pod, on.podIndex, step);
    });
  },
  verify: () => undefined,
};

/**
 * Asks for both ends, which makes the kernel do its pending carrier work. The pod's own MAC is set again
 * behind that: the kernel then sends gratuitous ARP and neighbour advertisements, for which the other pod
 * forgets the MAC of an earlier owner of the address.
 */
function carry({ key, pod: { name, mac } }: WireCarrierStep, on: Applying): void {
  const other = othersOf(key, on.node).members.find(({ end }) => end !== undefined);
  if (other?.end === undefined) return;
  other.pod.links.transact([getLinkMessage({ index: other.end.index })]);
  on.pod.links.execute([
    getLinkMessage({ name }),
    changeLinkMessage({ name }, { mac }, `announce ${name} in the pod`),
  ]);
}
