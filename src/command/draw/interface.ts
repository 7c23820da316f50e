// The interfaces of the node as a picture shows them.
import { isOwnTunnel } from "../../cluster/device.ts";
import { formatAddress } from "../../ip/address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import type { Interface } from "../../picture/scene.ts";
import type { Pair } from "../../survey/pair.ts";
import type { Surroundings } from "../../survey/surroundings.ts";
import type { Survey } from "../../survey/survey.ts";
import { shown } from "../../terminal/terminal.ts";
import type { Problems } from "./problem.ts";

/** A link of the node. */
export type NodeLink = Pair["link"];

/** The node, as far as interfaces need it. */
export interface Around {
  survey: Survey;
  surroundings: Surroundings;
}

/** The kind of a link and its name: `bridge cni0`. */
export function titleOf({ kind, name }: NodeLink): string {
  return `${shown(kind)} ${shown(name)}`.trim();
}

/** The interface as the picture shows it. */
export function interfaceOf(link: NodeLink, around: Around, problems: Problems): Interface {
  const { name, mtu, up } = link;
  return {
    name: shown(name),
    kind: kindOf(link, around.survey),
    addresses: addressTexts(link, around),
    mtu,
    isUp: up,
    problems: problems.about(shown(name), `interface ${name}`).map(shown),
  };
}

/** The addresses of a link with the lengths of their subnets. */
export function addressTexts({ index }: NodeLink, { surroundings }: Around): string[] {
  return (surroundings.addresses.get(index) ?? []).map(formatPrefix);
}

/** The next routers of the ways that lead by this link. */
export function gatewaysOf({ index }: NodeLink, { waysOut }: Surroundings): string[] {
  return [...waysOut.values()].flatMap((way) =>
    way.index === index && way.gateway !== undefined ? [formatAddress(way.gateway)] : [],
  );
}

/** The kind of a link, and the link that it stands on or is a part of. */
function kindOf(link: NodeLink, { links }: Survey): string {
  const below = link.kind === "veth" ? undefined : links.get(link.peerIndex);
  if (isOwnTunnel(link)) return "tunnel to other nodes";
  const above = links.get(link.master);
  return [
    shown(link.kind),
    ...(below === undefined || below === link ? [] : [`on ${shown(below.name)}`]),
    ...(above === undefined ? [] : [`in ${titleOf(above)}`]),
  ]
    .filter((text) => text !== "")
    .join(" ");
}
