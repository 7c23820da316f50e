// What `pontoon node` has made for a cluster, judged without the wish: parts that do not fit each other.
import { type MarkedConflist, markedIn } from "../../cluster/conflist.ts";
import { addressKey } from "../../cluster/key.ts";
import {
  isExcepted,
  isTunnelled,
  lookAtPart,
  type NodePart,
  nodeBehind,
  type TablePart,
  type TunnelPart,
} from "../../cluster/part.ts";
import { forwardingFault } from "../../host/kind/forwarding/forwarding.ts";
import { type Family, formatAddress } from "../../ip/address.ts";
import { formatPrefix, type Prefix } from "../../ip/prefix.ts";
import type { LinkRoute } from "../../net/route.ts";
import { stepOf } from "../../plan/steps.ts";
import type { FindingCode } from "../code.ts";
import type { Context } from "../context.ts";
import { type Finding, NODE } from "../finding.ts";
import { examineTunnelMtu } from "./mtu.ts";

const APPLY = 'Apply the wish of this node again: an agent does, and by hand "pontoon node apply" takes it';
const TUNNEL = "interface pontoon-vxlan";
const TABLE = "table inet pontoon-node";
const FAMILIES = [4, 6] as const;

/** Faults of the node's part. A node without one has none. */
export function examineNodePart(context: Context): Finding[] {
  const part = lookAtPart(context.node);
  return [
    ...examineTunnel(part),
    ...examineTunnelMtu(part, context),
    ...tableFindings(part),
    ...forwardingFindings(part, context),
    ...markedIn([context.folders.configurations]).flatMap(conflistFindings),
  ];
}

/** Faults of the tunnel, with the routes by it. Of one that is down or cannot send nothing else is said. */
export function examineTunnel(part: NodePart): Finding[] {
  const { tunnel } = part;
  if (tunnel === undefined) return [];
  const fault = deviceFinding(tunnel);
  if (fault !== undefined) return [fault];
  const routes = part.routes.filter((route) => isTunnelled(route, part));
  const unknown = routes.filter(({ gateway }) => gateway && nodeBehind(gateway, tunnel) === undefined);
  const reached = new Set(routes.map(({ gateway }) => gateway && addressKey(gateway)));
  const lost = tunnel.entries.filter(
    ({ table, address }) => table === "arp" && !reached.has(addressKey(address)),
  );
  const pods = [...routes.map(({ dst }) => dst), ...(part.table?.sources ?? [])];
  const mute = FAMILIES.filter(
    (family) => !tunnel.families.includes(family) && pods.some(({ address }) => address.family === family),
  );
  return [
    ...some(unknown.map(subnetOf), (text) =>
      about(TUNNEL, {
        code: "tunnelNodeUnknown",
        sentence: `the tunnel does not know the node with the pods of ${text}`,
        proof: "an entry for the route's gateway, or for its MAC, is missing",
      }),
    ),
    ...some(
      lost.map(({ address }) => formatAddress(address)),
      (text) =>
        about(TUNNEL, {
          code: "tunnelRouteLost",
          sentence: `no route leads to the pods behind ${text} in the tunnel`,
          proof: "the tunnel has an entry for that gateway",
        }),
    ),
    ...mute.map((family) =>
      about(TUNNEL, {
        code: "tunnelWithoutFamily",
        sentence: `the node has no IPv${family} address in the tunnel, so answers to itself go another way`,
      }),
    ),
  ];
}

/** The fault of the device itself; undefined without one. */
export function deviceFinding(tunnel: TunnelPart): Finding | undefined {
  const fault = deviceFault(tunnel);
  return fault && about(TUNNEL, fault);
}

function deviceFault({ device, hasLocal, wantedMac }: TunnelPart): Told | undefined {
  const local = device.settings === undefined ? "" : formatAddress(device.settings.local);
  if (!device.up)
    return {
      code: "tunnelDown",
      sentence: "the tunnel is down, and with that the kernel has dropped the routes by it",
    };
  if (!hasLocal)
    return {
      code: "tunnelAddressLost",
      sentence: `no interface of this node has ${local}, the address of the tunnel`,
    };
  if (device.mac !== wantedMac)
    return {
      code: "tunnelMac",
      sentence: `the tunnel has the MAC ${device.mac}, and other nodes know it by ${wantedMac}`,
    };
  if (device.learns)
    return { code: "tunnelLearns", sentence: "the tunnel learns the places of MACs from packets" };
  return undefined;
}

function tableFindings(part: NodePart): Finding[] {
  const { table, routes } = part;
  if (table === undefined)
    return routes.length === 0
      ? []
      : [
          {
            code: "nodeTableAbsent",
            subject: TABLE,
            severity: "note",
            sentence: "it is not there, so no wish masquerades what pods send out of the cluster",
          },
        ];
  const bare = FAMILIES.filter((family) => isBare(family, table, routes));
  if (!table.isAsMade || bare.length > 0)
    return [
      about(TABLE, {
        code: "nodeTableBroken",
        sentence: "it is not whole, so what pods send out of the cluster may not come back",
        proof: table.isAsMade
          ? `it has no rule for IPv${bare[0]}, and routes to other nodes' pods have`
          : "its chain, sets or rules are others than a wish makes",
      }),
    ];
  const hidden = [...table.sources, ...routes.map(({ dst }) => dst)].filter(
    ({ address }) => !isExcepted(address, table),
  );
  return some(hidden.map(formatPrefix), (text) =>
    about(TABLE, {
      code: "nodeTableException",
      sentence: `packets to pods of ${text} are masqueraded`,
      proof: "the subnet is not among its exceptions",
    }),
  );
}

/** True for a family that routes to other nodes have and no rule. */
function isBare(family: Family, { sources }: TablePart, routes: readonly LinkRoute[]): boolean {
  const has = ({ address }: Prefix): boolean => address.family === family;
  return !sources.some(has) && routes.some(({ dst }) => has(dst));
}

/** Forwarding that is off: pods of this node that need it too tell of it themselves. */
function forwardingFindings({ routes }: NodePart, { living }: Context): Finding[] {
  return FAMILIES.flatMap((family) => {
    const isNeeded = routes.some(({ dst }) => dst.address.family === family);
    const isTold = living.some(({ attachment }) =>
      stepOf("forwarding", attachment)?.families.includes(family),
    );
    const fault = isNeeded && !isTold ? forwardingFault(family) : undefined;
    return fault === undefined
      ? []
      : [
          {
            code: "forwardingOff" as const,
            subject: NODE,
            severity: "error" as const,
            sentence: fault.sentence,
            cure: fault.cure,
          },
        ];
  });
}

function conflistFindings({ path, state }: MarkedConflist): Finding[] {
  if (state === "as written") return [];
  const isGone = state === "gone";
  return [
    {
      code: isGone ? "conflistGone" : "conflistChanged",
      subject: path,
      severity: "warning",
      sentence: isGone
        ? "it is gone since an apply wrote it"
        : "it was changed by others since an apply wrote it, so the next one leaves it alone",
      advice: isGone ? APPLY : `Compare it with the wish. Without the file the next apply writes it again`,
    },
  ];
}

interface Told {
  code: FindingCode;
  sentence: string;
  proof?: string;
}

function about(subject: string, told: Told): Finding {
  return { subject, severity: "error", ...told, advice: APPLY };
}

/** One finding about all of these texts; none without any. */
function some([first, ...others]: readonly string[], finding: (text: string) => Finding): Finding[] {
  if (first === undefined) return [];
  return [finding(others.length === 0 ? first : `${first} and ${others.length} more`)];
}

function subnetOf({ dst }: LinkRoute): string {
  return formatPrefix(dst);
}
