// The last part of an ADD on a wire: both ends carry packets, and the other pod hears of the new one.
import { attempt } from "../../../failure/failure.ts";
import { getLinkMessage } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import type { WireCarrierStep } from "../../../plan/step.ts";
import type { Applying, StepKind } from "../../kind.ts";
import { othersOf } from "./member.ts";

export const wireCarrier: StepKind<WireCarrierStep> = { apply: carry, verify: () => undefined };

/**
 * Asks for both ends, which makes the kernel do its pending carrier work. The pod's own MAC is set again
 * behind that: the kernel then sends gratuitous ARP and neighbour advertisements, for which the other pod
 * forgets the MAC of an earlier owner of the address.
 */
function carry({ key, interfaceName: name, mac }: WireCarrierStep, on: Applying): void {
  attempt("link", name, () => {
    const other = othersOf(key, on.node).members.find(({ end }) => end !== undefined);
    if (other?.end === undefined) return;
    other.pod.links.transact([getLinkMessage({ index: other.end.index })]);
    on.pod.links.execute([
      getLinkMessage({ name }),
      changeLinkMessage({ name }, { mac }, `announce ${name} in the pod`),
    ]);
  });
}
