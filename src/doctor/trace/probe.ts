// A packet of a probe: from a pod to the other end of a way.
import { CniError } from "../../cni/error.ts";
import { openRecordedPod } from "../../host/namespace.ts";
import type { Node } from "../../host/node.ts";
import type { Pod } from "../../host/pod.ts";
import { type Probe, type Probed, probe } from "../../host/probe.ts";
import { type Address, formatAddress, sameAddress } from "../../ip/address.ts";
import { listNeighbours } from "../../net/neighbour.ts";
import { lookUpWay } from "../../net/route-look-up.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { errnoName } from "../../sys/errno.ts";
import { nameOf } from "../finding.ts";
import { areOnOneBridge } from "./endpoint.ts";
import type { Way } from "./hop.ts";

/** A probe that was made, with its packet in words. */
export interface MadeProbe extends Probed {
  packet: string;
  /** What tells where a packet without an answer was lost, each as a sentence without its full stop. */
  traces: string[];
}

/**
 * Sends one packet the way from its pod: the first of a TCP connection or a datagram to the port, an echo
 * request without one. Throws CniError for a way that does not begin at a pod, and SystemError.
 */
export function probeWay(way: Way, node: Node): MadeProbe {
  const { one } = way.from;
  if (one === undefined)
    throw new CniError("badEnvironment", { message: "--probe sends from a pod, and the way begins at none" });
  const wanted = packetOf(way);
  using pod = openRecordedPod(one.attachment, node);
  if (pod === undefined)
    throw new CniError("badEnvironment", { message: `the network namespace of ${nameOf(one)} is gone` });
  const probed = probe(pod, wanted);
  return { ...probed, packet: textOf(wanted), traces: tracesOf(probed, { pod, wanted, way, node }) };
}

/** A probe with its place. */
interface Probing {
  pod: Pod;
  wanted: Probe;
  way: Way;
  node: Node;
}

/** What the pod's kernel says, and the neighbours that a packet without an answer was for. */
function tracesOf({ answer, refusal }: Probed, { pod, wanted, way, node }: Probing): string[] {
  if (refusal !== undefined) return [`the pod's own rules and routes refuse it: ${errnoName(refusal.errno)}`];
  if (answer !== "nothing") return [];
  const { destination } = wanted;
  const target = way.to.address ?? destination;
  return [
    ...neighbourTraces("the pod", pod.links, destination),
    // Between ports of one bridge the node asks nobody.
    ...(wanted.isBridged ? [] : neighbourTraces("the node", node.links, target)),
  ];
}

/** A neighbour on the way that did not answer, or that somebody entered by hand. */
function neighbourTraces(who: string, links: NetlinkSocket, destination: Address): string[] {
  const way = lookUpWay(links, destination);
  const next = way?.gateway ?? destination;
  const neighbour = listNeighbours(links).find(
    ({ index, address }) => index === way?.index && sameAddress(address, next),
  );
  const text = formatAddress(next);
  if (neighbour?.isSilent === true) return [`nobody has answered when ${who} asked for the MAC of ${text}`];
  if (neighbour?.isPermanent !== true) return [];
  return [
    `${who} has a static neighbour ${text} at ${neighbour.mac}; if it is another's MAC, all for it is lost`,
  ];
}

function packetOf({ from, to, family }: Way): Probe {
  const own = from.one?.attachment.addresses.find(({ address }) => address.address.family === family);
  const isHostPort = to.hostPort !== undefined;
  // Its gateway is the address of the node that a pod is sure to reach.
  const destination: Address | undefined = isHostPort ? own?.gateway : to.address;
  if (own === undefined || destination === undefined)
    throw new CniError("badEnvironment", { message: `the way has no IPv${family} address at both ends` });
  if (to.protocol === "sctp")
    throw new CniError("badEnvironment", { message: "--probe speaks TCP, UDP and ICMP" });
  return {
    source: own.address.address,
    destination,
    port: to.hostPort ?? to.port,
    protocol: to.protocol,
    isBridged:
      !isHostPort && from.one !== undefined && to.one !== undefined && areOnOneBridge(from.one, to.one),
  };
}

function textOf({ source, destination, port, protocol }: Probe): string {
  const ends = `from ${formatAddress(source)} to ${formatAddress(destination)}`;
  if (port === undefined) return `an echo request ${ends}`;
  return `${protocol === "tcp" ? "a TCP SYN" : "a UDP datagram"} ${ends}, port ${port}`;
}
