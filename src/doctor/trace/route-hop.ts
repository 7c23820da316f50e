// The hops of a packet that the node routes: the gateway, the route, the firewalls, and the way out.
import { entryOf } from "../../attachment/link.ts";
import { formatAddress } from "../../ip/address.ts";
import { isLocalAddress, lookUpRoute } from "../../net/route-look-up.ts";
import type { StepName } from "../../plan/step.ts";
import type { Context } from "../context.ts";
import { examineDuplicates } from "../examine/duplicate.ts";
import { examineSubnets } from "../examine/subnet.ts";
import { addressText, type Endpoint } from "./endpoint.ts";
import { firewallHops } from "./firewall-hop.ts";
import { faultFrom, type Hop, stepHop, type Way } from "./hop.ts";
import { isMasqueradedByNode, nodeHops } from "./node.ts";

const AS_ROUTER: readonly StepName[] = ["vlanGateway", "gateway", "forwarding", "ingressPolicy"];
const WAY_OUT: readonly StepName[] = ["masquerade", "iptablesMasquerade"];

/** The packet goes through the node as a router. */
export function* routedHops(way: Way, context: Context): Generator<Hop> {
  const { from, to, family } = way;
  const router = from.one ?? to.one;
  if (router !== undefined) {
    const entry = entryOf(router.attachment.link) ?? "";
    yield stepHop(
      router,
      { steps: AS_ROUTER, sentence: `the node is the gateway on ${entry}, and forwards IPv${family}` },
      context,
    );
  }
  yield routeHop(way, context);
  if (to.one === undefined && to.address !== undefined) yield* nodeHops(to.address, context);
  // What is for the node itself, or comes from it, is not forwarded.
  const route = isOfNode(to, context) ? "input" : isOfNode(from, context) ? "output" : "forward";
  yield* firewallHops(way, context, route);
  if (route === "input") return;
  if (from.one !== undefined && to.one === undefined) {
    const masquerades =
      from.one.attachment.masquerade !== undefined ||
      (to.address !== undefined && isMasqueradedByNode(from.address, to.address, context));
    yield stepHop(
      from.one,
      {
        steps: WAY_OUT,
        sentence: masquerades
          ? "it leaves with an address of the node"
          : "it leaves with the pod's own address",
      },
      context,
    );
  }
}

function isOfNode({ one, address }: Endpoint, { node }: Context): boolean {
  return one === undefined && address !== undefined && isLocalAddress(node.links, address);
}

function routeHop({ to }: Way, context: Context): Hop {
  const { address, one } = to;
  const route = address && lookUpRoute(context.node.links, address);
  const link = route && context.survey.links.get(route.index);
  const sentence = `the node sends packets for ${to.title === "outside" ? "hosts far away" : address === undefined ? "it" : formatAddress(address)} by ${link?.name ?? "no interface"}`;
  if (one !== undefined) {
    const fault = faultFrom([...examineSubnets(context), ...examineDuplicates(context)], one);
    return { sentence, fault };
  }
  if (isOfNode(to, context)) return { sentence: `${to.title} is an address of the node itself` };
  if (link !== undefined) return { sentence };
  return {
    sentence,
    fault: {
      code: "noRoute",
      subject: "this node",
      severity: "error",
      sentence: `the node has no route to ${to.title === "outside" ? "hosts far away" : addressText(to)}`,
      advice: 'Look at "ip route": a default route is missing',
    },
  };
}
