// The way on to a pod of another node, by what `pontoon node` has made.
import {
  isExcepted,
  isTunnelled,
  lookAtPart,
  lookAtTable,
  type NodePart,
  nodeBehind,
  routeTo,
} from "../../cluster/part.ts";
import { type Address, formatAddress } from "../../ip/address.ts";
import { formatPrefix, type Prefix, prefixContains } from "../../ip/prefix.ts";
import { lookUpWay } from "../../net/route-look-up.ts";
import type { Context } from "../context.ts";
import { deviceFinding, examineTunnel } from "../examine/node.ts";
import { NODE } from "../finding.ts";
import type { Hop } from "./hop.ts";

/** The hops from a route of ours on. Without such a route there are none, or the fault that took it away. */
export function* nodeHops(to: Address, context: Context): Generator<Hop> {
  const part = lookAtPart(context.node);
  const route = routeTo(to, part);
  if (route?.gateway === undefined) yield* lostHops(to, part);
  else if (isTunnelled(route, part))
    yield* tunnelHops({ dst: route.dst, gateway: route.gateway }, part, context);
  else
    yield {
      sentence: `the next hop is the node ${formatAddress(route.gateway)}, with the pods of ${formatPrefix(route.dst)}`,
    };
}

/** An address to which pods keep theirs is of the cluster: without a route the tunnel may have lost it. */
function* lostHops(to: Address, part: NodePart): Generator<Hop> {
  const [fault] = examineTunnel(part);
  const { table } = part;
  if (fault !== undefined && table !== undefined && isExcepted(to, table) && !isOfPods(to, part))
    yield { sentence: `no route leads to ${formatAddress(to)}`, fault };
}

function* tunnelHops(
  { dst, gateway }: { dst: Prefix; gateway: Address },
  part: NodePart,
  { node, survey }: Context,
): Generator<Hop> {
  const { tunnel } = part;
  const subnet = formatPrefix(dst);
  const far = tunnel && nodeBehind(gateway, tunnel);
  if (tunnel === undefined || far === undefined) {
    yield { sentence: `the tunnel leads to the pods of ${subnet}`, fault: examineTunnel(part)[0] };
    return;
  }
  const next = formatAddress(far);
  const fault = deviceFinding(tunnel);
  yield { sentence: `the tunnel leads to the node ${next}, with the pods of ${subnet}`, fault };
  const way = lookUpWay(node.links, far);
  const by = way && survey.links.get(way.index)?.name;
  const router = way?.gateway === undefined ? "" : `, by the router ${formatAddress(way.gateway)}`;
  const sentence = `the tunnel's packets for ${next} leave by ${by ?? "no interface"}${router}`;
  if (by !== undefined) return yield { sentence };
  yield {
    sentence,
    fault: {
      code: "noRoute",
      subject: NODE,
      severity: "error",
      sentence: `the node has no route to ${next}, the node with the pods of ${subnet}`,
      advice: 'Look at "ip route": a default route is missing',
    },
  };
}

/** True for an address of this node's own pods. */
function isOfPods(address: Address, { table }: Pick<NodePart, "table">): boolean {
  return table?.sources.some((subnet) => prefixContains(subnet, address)) === true;
}

/** True where the node's table gives a packet between these an address of the node. */
export function isMasqueradedByNode(from: Address | undefined, to: Address, { node }: Context): boolean {
  const table = from && lookAtTable(node);
  return from !== undefined && table !== undefined && isOfPods(from, { table }) && !isExcepted(to, table);
}
