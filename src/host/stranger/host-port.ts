// Host ports without a record.
import { ifThereIsNftables } from "../../nft/answer.ts";
import type { Element } from "../../nft/element.ts";
import { listPortChains, removePortElements } from "../../nft/host-port.ts";
import { listPortElements } from "../../nft/port-attachment.ts";
import { mappingOf } from "../../nft/port-element.ts";
import type { PortMapping } from "../../nft/port-mapping.ts";
import { forgetFlows } from "../kind/host-port/flow.ts";
import type { Node } from "../node.ts";

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
        removePortElements(rules, elements, listPortChains(rules, network));
        mappings = elements.flatMap((element) => mappingOf(element) ?? []);
      });
      forgetFlows(mappings, node);
    },
  );
}
