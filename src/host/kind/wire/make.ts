// A new pair for a wire: one end is born in the pod, the other is parked on the node, down.
import { randomMac } from "../../../attachment/mac.ts";
import { freeEndAlias } from "../../../attachment/wire.ts";
import { getLinkMessage, readIndices } from "../../../net/link.ts";
import { changeLinkMessage, createVethMessage, removeLink } from "../../../net/link-change.ts";
import type { WireStep } from "../../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../../sys/errno.ts";
import type { Applying } from "../../kind.ts";
import type { Pod } from "../../pod.ts";
import { checkInterfaceIsFree } from "../veth/veth.ts";

/**
 * Makes the pair and notes the index of the pod's end. Pair and alias of the parked end go in one send: a
 * kill does not divide them. Throws CniError and SystemError.
 */
export function makePair(step: WireStep, on: Applying): void {
  const { node, pod } = on;
  const { key, freeEnd: name } = step;
  const create = createVethMessage({
    host: { name, mac: randomMac() },
    bridgeIndex: undefined,
    pod: step.pod,
    namespaceFd: pod.namespace.fd,
    mtu: step.mtu,
  });
  const alias = freeEndAlias("open", key.network, key);
  const [created, settled, got] = node.links.transact([
    create,
    changeLinkMessage({ name }, { alias }, `name the network of ${name}`),
    getLinkMessage({ name }),
  ]);
  if (isErrno(created?.error, "EEXIST")) checkInterfaceIsFree(step.pod.name, pod);
  if (created?.error !== undefined) throw created.error;
  const reply = got?.replies[0];
  if (settled?.error !== undefined || reply === undefined) {
    removeLink(node.links, { name });
    throw settled?.error ?? new SystemError(`find ${name}`, errnoOf("ENODEV"));
  }
  on.podIndex = readIndices(reply).pod;
}

/** Names the attachment on its end: from then on the end has all that the attachment describes. */
export function markWhole(
  { links }: Pod,
  index: number,
  { alias, pod: { name } }: Pick<WireStep, "alias" | "pod">,
): void {
  links.execute([changeLinkMessage({ index }, { alias }, `name the attachment of ${name} in the pod`)]);
}
