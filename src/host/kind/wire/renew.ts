// A member of a wire that gets an end again: the other namespace died, and the kernel took the pair with it.
import { attachmentTitle, keyOfAlias } from "../../../attachment/name.ts";
import { sameKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { asCniError } from "../../../failure/failure.ts";
import { changeDeviceMessage } from "../../../net/device.ts";
import { getLink, type Link } from "../../../net/link.ts";
import type { StepName } from "../../../plan/step.ts";
import { stepOf, stepsOf } from "../../../plan/steps.ts";
import type { Applying } from "../../kind.ts";
import { present } from "../../link.ts";
import type { Node } from "../../node.ts";
import { checkInterfaceIsFree } from "../veth/veth.ts";
import { markWhole } from "./make.ts";
import type { Member } from "./member.ts";

/** The steps of what goes with an end of a wire. */
const ON_THE_END: readonly StepName[] = ["pod", "sourceRouting", "tuning"];

/**
 * True for a member whose end has all that its attachment describes. A renewal names the attachment on the
 * end last of all, so an end without that name was left by a killed one. The ADD of a member that is not
 * complete has its own end in hand.
 */
export function isWhole({ attachment, end, isComplete }: Member): boolean {
  if (!isComplete) return true;
  const named = end && keyOfAlias(end.alias);
  return named !== undefined && sameKey(named, attachment.key);
}

/** Refuses a member that cannot be given another end, since its own ADD is under way. Throws CniError. */
export function refuseBusy({ attachment }: Member, { records }: Node): void {
  if (!records.isAddRunning(attachment.key)) return;
  throw new CniError("tryAgainLater", {
    about: `the ADD of ${attachmentTitle(attachment)} is running, and its wire has gone`,
    hint: "Run ADD again when that one has ended",
  });
}

/**
 * Gives a member the free end of a new pair, and on it everything that its record names. Throws CniError,
 * which names the member.
 */
export function renew({ attachment, pod }: Member, free: Link, on: Applying): void {
  const step = stepOf("wire", attachment);
  if (step === undefined) return;
  const { name, mac } = step.pod;
  try {
    checkInterfaceIsFree(name, pod);
    const where = { namespaceFd: pod.namespace.fd, name, mac, mtu: step.mtu };
    on.node.links.execute([
      changeDeviceMessage(free.index, where, `move ${free.name} into the pod as ${name}`),
    ]);
    const { index: podIndex } = present(getLink(pod.links, { name }), name);
    on.applyTo({ attachment, pod, podIndex }, stepsOf(attachment, ON_THE_END));
    markWhole(pod, podIndex, step);
  } catch (error) {
    throw explained(asCniError(error), attachmentTitle(attachment));
  }
}

function explained({ message, details }: CniError, title: string): CniError {
  return new CniError("wire", {
    about: `${title} cannot get its end again`,
    cause: details === "" ? message : `${message}: ${details}`,
    hint: "Mend the cause, or delete that pod",
  });
}
