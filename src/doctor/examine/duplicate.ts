// MACs and addresses that two have at once.
import { bridgeOf, hostEndOf } from "../../attachment/link.ts";
import { inPod, shellWord } from "../../host/difference.ts";
import { formatAddress } from "../../ip/address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import { listAddressesOfAll } from "../../net/address.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { type Finding, NODE, nameOf } from "../finding.ts";
import { groupBy } from "../group.ts";

/** Equal MACs on one bridge, and addresses that two pods, or a pod and the node, have. */
export function examineDuplicates(context: Context): Finding[] {
  return [
    ...equalMacs(context),
    ...equalAddresses(context),
    ...takenAddresses(context),
    ...addressesOfNode(context),
  ];
}

/** An end on a bridge. */
interface End {
  mac: string;
  name: string;
  one: SurveyedAttachment | undefined;
}

function equalMacs(context: Context): Finding[] {
  const bridges = new Set(context.living.flatMap(({ attachment }) => bridgeOf(attachment.link) ?? []));
  return [...bridges].flatMap((bridge) => {
    const byMac = groupBy(endsOn(bridge, context), ({ mac }) => mac);
    return [...byMac.values()]
      .filter((ends) => ends.length > 1 && ends.some(({ one }) => one !== undefined))
      .filter((ends) => !haveOneAddress(ends))
      .map(
        (ends): Finding => ({
          code: "sameMac",
          subject: `bridge ${bridge}`,
          severity: "error",
          sentence: `${ends.map(({ name }) => name).join(" and ")} have the same MAC ${ends[0]!.mac}, so frames for one reach the other`,
          advice: "Delete one of the pods so that it is made anew, or give the other interface another MAC",
          attachments: ends.flatMap(({ one }) => one ?? []),
        }),
      );
  });
}

/** True for pods of one address: their MACs follow from that, and it is the finding. */
function haveOneAddress([first, ...others]: readonly End[]): boolean {
  const addresses = addressesOf(first!);
  return addresses.some((text) => others.every((other) => addressesOf(other).includes(text)));
}

function addressesOf({ one }: End): string[] {
  return (one?.attachment.addresses ?? []).map(({ address }) => formatAddress(address.address));
}

/** The bridge itself, the pods on it by the MACs that they ought to have, and the far ends of others. */
function endsOn(bridge: string, { survey, living }: Context): End[] {
  const link = [...survey.links.values()].find(({ name }) => name === bridge);
  const pods = living
    .filter(({ attachment }) => bridgeOf(attachment.link) === bridge)
    .map((one): End => ({ mac: one.attachment.link.pod.mac, name: nameOf(one), one }));
  const others = survey.pairs
    .filter(({ link: port, isNear }) => link !== undefined && port.master === link.index && !isNear)
    .flatMap(({ link: port, far }): End[] =>
      far === undefined ? [] : [{ mac: far.mac, name: `the other end of ${port.name}`, one: undefined }],
    );
  const own = link === undefined ? [] : [{ mac: link.mac, name: bridge, one: undefined }];
  return [...own, ...pods, ...others].filter(({ mac }) => mac !== "");
}

/** Pods on one bridge, or on pairs of their own, with one address. */
function equalAddresses({ living }: Context): Finding[] {
  const held = living.flatMap((one) => {
    const { link } = one.attachment;
    const place = bridgeOf(link) ?? (hostEndOf(link) === undefined ? undefined : "");
    if (place === undefined) return [];
    return one.attachment.addresses.map(({ address }) => ({
      one,
      place,
      text: formatAddress(address.address),
    }));
  });
  return [...groupBy(held, ({ place, text }) => `${place} ${text}`).values()]
    .filter((group) => group.length > 1)
    .map(
      (group): Finding => ({
        code: "sameAddress",
        subject: NODE,
        severity: "error",
        sentence: `${group.map(({ one }) => nameOf(one)).join(" and ")} have the same address ${group[0]!.text}`,
        advice:
          "Delete one of them so that it gets another address, and give each network a subnet of its own",
        attachments: group.map(({ one }) => one),
      }),
    );
}

/** Addresses that somebody gave to a pod, though another pod of its bridge or the gateway has them. */
function takenAddresses({ pods, living }: Context): Finding[] {
  return pods.flatMap(({ surveyed, addresses }): Finding[] => {
    const { link, namespace } = surveyed.attachment;
    const bridge = bridgeOf(link);
    if (bridge === undefined) return [];
    const own = new Set(surveyed.attachment.addresses.map(({ address }) => formatAddress(address.address)));
    const others = ownersOn(bridge, living);
    return addresses.flatMap((prefix): Finding[] => {
      const text = formatAddress(prefix.address);
      const owner = own.has(text) ? undefined : others.get(text);
      if (owner === undefined) return [];
      const { name } = link.pod;
      return [
        {
          code: "sameAddress",
          subject: nameOf(surveyed),
          severity: "error",
          sentence: `${name} in the pod has ${text} too, the address of ${owner.name}`,
          proof: "its ADD did not give it that address",
          cure: inPod(namespace, `ip address del ${formatPrefix(prefix)} dev ${shellWord(name)}`),
          attachments: [surveyed, ...owner.who],
        },
      ];
    });
  });
}

/** The addresses of pods on a bridge, and of their gateways, with whose they are. */
function ownersOn(
  bridge: string,
  living: readonly SurveyedAttachment[],
): Map<string, { name: string; who: SurveyedAttachment[] }> {
  const owners = new Map<string, { name: string; who: SurveyedAttachment[] }>();
  for (const one of living) {
    if (bridgeOf(one.attachment.link) !== bridge) continue;
    for (const { address, gateway } of one.attachment.addresses) {
      if (gateway !== undefined) owners.set(formatAddress(gateway), { name: "its gateway", who: [] });
      owners.set(formatAddress(address.address), { name: nameOf(one), who: [one] });
    }
  }
  return owners;
}

/** Addresses of pods that the node has itself: its packets for them never leave it. */
function addressesOfNode({ living, node, survey }: Context): Finding[] {
  const ofPods = new Map(
    living
      .filter(({ attachment }) => hostEndOf(attachment.link) !== undefined)
      .flatMap((one) =>
        one.attachment.addresses.map(({ address }) => [formatAddress(address.address), one] as const),
      ),
  );
  return ([4, 6] as const).flatMap((family) =>
    listAddressesOfAll(node.links, family).flatMap(({ index, prefix }): Finding[] => {
      const one = ofPods.get(formatAddress(prefix.address));
      const link = survey.links.get(index);
      if (one === undefined || link === undefined) return [];
      return [
        {
          code: "addressOfNode",
          subject: nameOf(one),
          severity: "error",
          sentence: `${link.name} of the node has its address ${formatAddress(prefix.address)} too`,
          cure: `ip address del ${formatPrefix(prefix)} dev ${shellWord(link.name)}`,
          attachments: [one],
        },
      ];
    }),
  );
}
