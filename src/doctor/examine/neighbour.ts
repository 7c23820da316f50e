// Neighbours that somebody entered by hand, with another MAC than the address has.
import { bridgeOf } from "../../attachment/link.ts";
import { inPod, shellWord } from "../../host/difference.ts";
import { formatAddress } from "../../ip/address.ts";
import { listAddressesOfAll } from "../../net/address.ts";
import { listNeighbours } from "../../net/neighbour.ts";
import type { Context } from "../context.ts";
import { type Finding, NODE, nameOf } from "../finding.ts";

/** Wrong static neighbours in pods and on the node. */
export function examineNeighbours(context: Context): Finding[] {
  const owners = ownersOf(context);
  return [...inPods(context, owners), ...onNode(context, owners)];
}

/** The MACs that answer for an address, and whose they are. */
type Owners = Map<string, { mac: string; name: string }[]>;

/** The addresses of pods, and those of the node's bridges, with their MACs. */
function ownersOf({ survey, living, node }: Context): Owners {
  const owners: Owners = new Map();
  const add = (address: string, mac: string, name: string): void => {
    if (mac !== "") owners.set(address, [...(owners.get(address) ?? []), { mac, name }]);
  };
  for (const one of living)
    for (const { address } of one.attachment.addresses)
      add(formatAddress(address.address), one.attachment.link.pod.mac, nameOf(one));
  for (const family of [4, 6] as const)
    for (const { index, prefix, isLinkLocal } of listAddressesOfAll(node.links, family)) {
      const link = survey.links.get(index);
      if (link !== undefined && !isLinkLocal) add(formatAddress(prefix.address), link.mac, link.name);
    }
  return owners;
}

/** True when somebody has the address, and nobody has it with this MAC. */
function isWrong(address: string, mac: string, owners: Owners): boolean {
  const known = owners.get(address);
  return known !== undefined && !known.some((owner) => owner.mac === mac);
}

function inPods({ pods }: Context, owners: Owners): Finding[] {
  return pods.flatMap(({ surveyed, neighbours }) => {
    const { link, namespace } = surveyed.attachment;
    // A wire and a device lead to other networks than the node's.
    if (bridgeOf(link) === undefined && link.kind !== "routedPair") return [];
    return neighbours.flatMap(({ address, mac }): Finding[] => {
      const text = formatAddress(address);
      if (!isWrong(text, mac, owners)) return [];
      const command = `ip neighbour del ${text} dev ${shellWord(link.pod.name)}`;
      return [
        {
          code: "wrongNeighbour",
          subject: nameOf(surveyed),
          severity: "error",
          sentence: `a static neighbour in the pod says that ${text} is at ${mac}, so its packets there are lost`,
          proof: proofOf(text, owners),
          cure: inPod(namespace, command),
          attachments: [surveyed],
        },
      ];
    });
  });
}

function onNode({ node, survey, living }: Context, owners: Owners): Finding[] {
  return listNeighbours(node.links).flatMap(({ index, address, mac, isPermanent }): Finding[] => {
    const text = formatAddress(address);
    const link = survey.links.get(index);
    const pod = living.find(({ attachment }) =>
      attachment.addresses.some((one) => formatAddress(one.address.address) === text),
    );
    if (!isPermanent || link === undefined || pod === undefined || !isWrong(text, mac, owners)) return [];
    return [
      {
        code: "wrongNeighbour",
        subject: NODE,
        severity: "error",
        sentence: `a static neighbour on the node says that ${text} of ${nameOf(pod)} is at ${mac}`,
        proof: proofOf(text, owners),
        cure: `ip neighbour del ${text} dev ${shellWord(link.name)}`,
        attachments: [pod],
      },
    ];
  });
}

function proofOf(address: string, owners: Owners): string {
  const known = owners.get(address) ?? [];
  return `${address} is ${known.map(({ mac, name }) => `${name}'s, at ${mac}`).join(", or ")}`;
}
