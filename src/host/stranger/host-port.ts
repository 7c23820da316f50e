// Host ports that no record tells of.
import { ifThereIsNftables } from "../../nft/answer.ts";
import type { Element } from "../../nft/element.ts";
import { listPortChains, removePortElements } from "../../nft/host-port.ts";
import { listPortElements } from "../../nft/port-attachment.ts";
import { mappingOf } from "../../nft/port-element.ts";
import type { PortMapping } from "../../nft/port-mapping.ts";
import { forgetFlows } from "../kind/host-port/flow.ts";
import type { Node } from "../node.ts";

/**
 * Removes host ports that no record tells of, found by the comments of their elements, the chains of a
 * network that nothing leads to, and then the UDP flows that they led to pods. Throws SystemError.
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
        removePortElements(rules, elements, listPortChains(rules, network));
        mappings = elements.flatMap((element) => mappingOf(element) ?? []);
      });
      forgetFlows(mappings, node);
    },
  );
}
