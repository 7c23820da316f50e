// The connections of the node, each with the bridge or other thing that it hangs on in the picture.
import { ifbName } from "../../attachment/name.ts";
import { freeEndName } from "../../attachment/wire.ts";
import { needsIfb } from "../../cni/bandwidth.ts";
import type { Pod, PodState, SegmentKind } from "../../picture/scene.ts";
import type { StrayLease } from "../../survey/lease.ts";
import type { Pair } from "../../survey/pair.ts";
import type { Survey, SurveyedAttachment } from "../../survey/survey.ts";
import { shown } from "../../terminal/terminal.ts";
import { type Row, rowOfAttachment, rowOfLease, rowOfPair } from "../ls/row.ts";
import { rateText } from "../text.ts";
import { type Around, addressTexts, type NodeLink, titleOf } from "./interface.ts";
import type { Problems } from "./problem.ts";

/** The thing that a connection hangs on. */
export interface Hook {
  kind: SegmentKind;
  title: string;
  /** The name of a bridge, or the network of a wire; empty for a kind of which there is but one. */
  name: string;
}

/** A connection of a pod, a namespace or a container. */
export interface Entry {
  hook: Hook;
  /** Empty for what belongs to no network. */
  network: string;
  /** Short facts about the network that this attachment tells. */
  networkFacts: string[];
  pod: Pod;
  /** Undefined for what no record tells of. */
  surveyed: SurveyedAttachment | undefined;
  /** The names of the node's links that it shows. */
  links: string[];
}

/**
 * The connections of the node: attachments, then strays and pairs of others, then leases that nobody uses.
 */
export function entriesOf(around: Around, problems: Problems, ways: ReadonlySet<number>): Entry[] {
  const { survey } = around;
  const pairs = survey.pairs.filter(({ link }) => !ways.has(link.index));
  return [
    ...survey.attachments.map((one) => entryOfAttachment(one, problems.of(one))),
    ...pairs.map((pair) => entryOfPair(pair, around)),
    ...survey.leases.map(entryOfLease),
  ];
}

function entryOfAttachment(surveyed: SurveyedAttachment, problems: string[]): Entry {
  const { attachment, state } = surveyed;
  const { link, ingressPolicy, key, bandwidth } = attachment;
  const row = rowOfAttachment(surveyed);
  const former = link.kind === "device" ? shown(link.former.name) : undefined;
  const ifb = bandwidth !== undefined && needsIfb(bandwidth) ? [ifbName(key)] : [];
  return {
    hook: hookOf(surveyed),
    network: shown(key.network),
    networkFacts: ingressPolicy === undefined ? [] : [`policy ${ingressPolicy}`],
    pod: podOf(row, {
      hostEnd: former ?? row.hostInterface ?? "",
      state: STATES[state],
      problems: problems.map(shown),
      facts: [
        ...(state === "starting" ? ["its ADD is under way"] : []),
        ...vlanFacts(surveyed),
        ...limitFacts(surveyed, ifb),
      ],
    }),
    surveyed,
    links: [...(row.hostInterface === undefined ? [] : [row.hostInterface]), ...ifb],
  };
}

const STATES: { readonly [Each in SurveyedAttachment["state"]]: PodState } = {
  ok: "ok",
  starting: "starting",
  drift: "wrong",
  dead: "wrong",
};

function hookOf({ attachment: { link, key } }: SurveyedAttachment): Hook {
  switch (link.kind) {
    case "bridgePort":
      return { kind: "bridge", title: `bridge ${shown(link.bridge.name)}`, name: link.bridge.name };
    case "routedPair":
      return { kind: "ptp", title: "point to point", name: "" };
    case "wire":
      return wireHook(key.network);
    case "device":
      return { kind: "device", title: "devices in pods", name: "" };
  }
}

function wireHook(network: string): Hook {
  return { kind: "wire", title: "wire", name: network };
}

function vlanFacts({ attachment: { link } }: SurveyedAttachment): string[] {
  const vlans = link.kind === "bridgePort" ? link.vlans : undefined;
  if (vlans === undefined) return [];
  const tagged = vlans.tagged.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return [`VLAN ${[vlans.native, ...tagged].join(", ")}`];
}

function limitFacts({ attachment: { bandwidth } }: SurveyedAttachment, ifb: readonly string[]): string[] {
  const { ingress, egress } = bandwidth ?? {};
  return [
    ...(ingress === undefined ? [] : [`receives ${rateText(ingress.rate)} at most`]),
    ...(egress === undefined
      ? []
      : [`sends ${rateText(egress.rate)} at most${ifb.length === 0 ? "" : `, by ${ifb[0]}`}`]),
  ];
}

/** A pair of others, an end of a wire without a pod, or an interface of ours that no record knows. */
function entryOfPair(pair: Pair, around: Around): Entry {
  const { survey } = around;
  const { link, isParked } = pair;
  const row = rowOfPair(pair, survey);
  const master = survey.links.get(link.master);
  const wire = isParked ? wireOfEnd(link, survey) : undefined;
  const hook: Hook =
    wire?.hook ??
    (master === undefined
      ? { kind: "pair", title: "pairs of others", name: "" }
      : { kind: "bridge", title: titleOf(master), name: master.name });
  const pod = isParked
    ? freeEnd(shown(link.name))
    : podOf(row, {
        hostEnd: shown(link.name),
        state: row.state === "stray" ? "odd" : "foreign",
        problems: row.problems.map(shown),
        facts: [
          ...addressTexts(link, around).map((address) => `${address} on the node`),
          ...(link.up ? [] : ["its interface on the node is down"]),
        ],
      });
  return {
    hook,
    pod,
    network: wire?.network ?? row.network ?? "",
    networkFacts: [],
    surveyed: undefined,
    links: [link.name],
  };
}

function freeEnd(name: string): Pod {
  const facts = ["free end, parked on the node", "waits for a second pod"];
  return {
    name,
    id: "",
    interface: "",
    addresses: [],
    hostEnd: "",
    hostPorts: [],
    facts,
    state: "free",
    problems: [],
  };
}

/** The wire of a free end: that of a network with a member, by the end's name. */
function wireOfEnd({ name }: NodeLink, survey: Survey): { hook: Hook; network: string } | undefined {
  const member = survey.attachments.find(
    ({ attachment: { link, key } }) => link.kind === "wire" && freeEndName(key.network) === name,
  );
  const network = member?.attachment.key.network;
  return network === undefined ? undefined : { hook: wireHook(network), network: shown(network) };
}

function entryOfLease(lease: StrayLease): Entry {
  const row = rowOfLease(lease);
  return {
    hook: { kind: "nothing", title: "leases that nobody uses", name: "" },
    network: row.network ?? "",
    networkFacts: [],
    pod: podOf(row, { hostEnd: "", state: "odd", problems: row.problems.map(shown), facts: [] }),
    surveyed: undefined,
    links: [],
  };
}

function podOf(row: Row, more: Pick<Pod, "hostEnd" | "state" | "problems" | "facts">): Pod {
  return {
    name: row.pod,
    id: shown(row.containerId ?? ""),
    interface: shown(row.interface ?? ""),
    addresses: row.addresses.map((address) => address.replace(/\/\d+$/, "")),
    hostPorts: row.hostPorts,
    ...more,
  };
}
