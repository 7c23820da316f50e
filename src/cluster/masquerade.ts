// Masquerading of what the node's pods send out of the cluster.
import type { Node } from "../host/node.ts";
import type { Prefix } from "../ip/prefix.ts";
import { unionOf } from "../ip/union.ts";
import { makeTableChange, type NodeMasquerade, nodeTableChange } from "../nft/node-layout.ts";
import type { Report } from "./report.ts";
import type { Wish } from "./wish.ts";

const TITLE = "masquerade (table inet pontoon-node)";

/** Packets to groups and to all of a link: nobody answers them, and an address of the node would be wrong. */
const GROUPS: Prefix[] = [
  { address: { family: 4, value: 0xe0000000n }, length: 4 },
  { address: { family: 4, value: 0xffffffffn }, length: 32 },
  { address: { family: 6, value: 0xffn << 120n }, length: 8 },
];

/** Makes the table as wished. True when it is, or would be. */
export function ensureMasquerade(wish: Wish, node: Node, report: Report): boolean {
  let isDone = true;
  const isRead = report.part(TITLE, () => {
    const change = nodeTableChange(node.rules, wantedOf(wish));
    if (change === undefined) return;
    isDone = report.attempt({ what: TITLE, action: change.action }, () =>
      makeTableChange(node.rules, change),
    );
  });
  return isRead && isDone;
}

/** Without pods there is nothing to masquerade. */
function wantedOf({ masquerade, podSubnets, routes, tunnel }: Wish): NodeMasquerade | undefined {
  if (masquerade === undefined || podSubnets.length === 0) return undefined;
  const except = [
    ...podSubnets,
    ...routes.map(({ subnet }) => subnet),
    ...(tunnel?.peers ?? []).flatMap(({ subnets }) => subnets),
    ...masquerade.except,
    ...GROUPS,
  ];
  return { podSubnets, except: { 4: unionOf(except, 4), 6: unionOf(except, 6) } };
}
