// The way of a packet from one end to the other, hop by hop, up to the first that is broken.
import { CniError } from "../../cni/error.ts";
import type { Context } from "../context.ts";
import { bridgeHop } from "./bridge-hop.ts";
import { areOnOneBridge } from "./endpoint.ts";
import { firewallHops } from "./firewall-hop.ts";
import type { Hop, Way } from "./hop.ts";
import { insideReceiver, insideSender } from "./inside-hop.ts";
import { hostPortHops, pastTheNode, receivingHops, sendingHops } from "./pod-hop.ts";
import { routedHops } from "./route-hop.ts";

/** The hops up to the first broken one. Changes nothing. Throws CniError and SystemError. */
export function traceWay(way: Way, context: Context): Hop[] {
  const hops: Hop[] = [];
  for (const hop of hopsOf(way, context)) {
    hops.push(hop);
    if (hop.fault !== undefined) break;
  }
  return hops;
}

function* hopsOf(way: Way, context: Context): Generator<Hop> {
  const { from, to } = way;
  if (from.hostPort !== undefined)
    throw new CniError("badEnvironment", {
      message: "a way begins at a pod, an address or outside, not at a port",
    });
  if (to.hostPort !== undefined) yield* hostPortHops(to, context);
  if (from.one !== undefined) yield* sendingHops(from.one, context);
  const own = from.one?.attachment.link.kind;
  if (own === "wire" || own === "device") yield pastTheNode(from.one!, to);
  if (from.one !== undefined) yield* insideSender(way, context);
  const isBridged =
    from.one !== undefined &&
    to.one !== undefined &&
    to.hostPort === undefined &&
    areOnOneBridge(from.one, to.one);
  if (isBridged) {
    yield bridgeHop(from.one!, to.one!);
    yield* firewallHops(way, context, "bridge");
  }
  if (!isBridged && own !== "wire" && own !== "device") yield* routedHops(way, context);
  if (to.one === undefined) return;
  yield* receivingHops(to, context);
  yield* insideReceiver(way, context);
}
