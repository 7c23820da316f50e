// Host ports without a record.
import type { Attachment } from "../../attachment/attachment.ts";
import { attachmentDigest } from "../../attachment/name.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import { ownerOf } from "../../nft/comment.ts";
import type { Element } from "../../nft/element.ts";
import { listPortChains, removePortElements } from "../../nft/host-port.ts";
import { listPortElements } from "../../nft/port-attachment.ts";
import { mappingOf } from "../../nft/port-element.ts";
import type { PortMapping } from "../../nft/port-mapping.ts";
import { forgetFlows } from "../kind/host-port/flow.ts";
import { handingTo, heirsOf } from "../kind/host-port/sibling.ts";
import type { Node } from "../node.ts";
import { keyOf } from "../recorded.ts";

/**
 * Removes host ports without a record, found by the comments of their elements; then the chains of the
 * network that nothing leads to, and the UDP flows that the ports led to pods. Throws SystemError.
 */
export function removeStrayHostPorts(
  network: string,
  isStray: (element: Element) => boolean,
  node: Node,
): void {
  ifThereIsNftables(
    () => node.rules,
    (rules) => {
      if (!listPortElements(rules).some(isStray) && listPortChains(rules, network).length === 0) return;
      let mappings: PortMapping[] = [];
      node.underLock(() => {
        const elements = listPortElements(rules).filter(isStray);
        const chains = listPortChains(rules, network);
        handingTo(heirsOfStray(elements, node), node, (heirs) =>
          removePortElements(rules, elements, { chains, heirs }),
        );
        mappings = elements.flatMap((element) => mappingOf(element) ?? []);
      });
      forgetFlows(mappings, node);
    },
  );
}

/** The living attachments of the containers that these elements belong to. */
function heirsOfStray(elements: Element[], node: Node): Attachment[] {
  const going = new Set(elements.map(ownerOf));
  const firsts = [...going].flatMap((owner) => elements.find((element) => ownerOf(element) === owner) ?? []);
  const containers = new Set(firsts.map((element) => keyOf(element, node)?.containerId));
  if (containers.size === 0) return [];
  return heirsOf((key) => containers.has(key.containerId) && !going.has(attachmentDigest(key)), node);
}
