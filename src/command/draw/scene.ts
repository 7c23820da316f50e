// The scene of a picture, from what was found on the node.
import { withSharedProblems } from "../../picture/fold.ts";
import type { HostPort, Network, Scene, Segment, SegmentKind } from "../../picture/scene.ts";
import type { Surroundings } from "../../survey/surroundings.ts";
import type { Survey } from "../../survey/survey.ts";
import { shown } from "../../terminal/terminal.ts";
import { type Entry, entriesOf } from "./entry.ts";
import { addressTexts, gatewaysOf, interfaceOf, type NodeLink, titleOf } from "./interface.ts";
import { type Problem, Problems } from "./problem.ts";
import { forwardingOf, masqueradesOf } from "./rules.ts";

/** What a picture is made from. */
export interface Findings {
  survey: Survey;
  surroundings: Surroundings;
  problems: readonly Problem[];
}

/** The order of segments. The ones that the node reaches come first. */
const ORDER: readonly SegmentKind[] = ["bridge", "ptp", "pair", "wire", "device", "nothing"];

/** The whole node as a scene. */
export function sceneOf(findings: Findings): Scene {
  const { survey, surroundings } = findings;
  const problems = new Problems(findings.problems);
  const ways = [...new Set([...surroundings.waysOut.values()].map(({ index }) => index))];
  const entries = withSiblings(entriesOf(findings, problems, new Set(ways)));
  const segments = segmentsOf(entries, findings, problems);
  const of = (link: NodeLink) => interfaceOf(link, findings, problems);
  return {
    node: shown(surroundings.hostName),
    ways: ways
      .flatMap((index) => survey.links.get(index) ?? [])
      .map((link) => ({ ...of(link), gateways: gatewaysOf(link, surroundings) })),
    forwarding: forwardingOf(surroundings),
    masquerades: masqueradesOf(entries, surroundings),
    hostPorts: entries.flatMap(({ pod }) =>
      pod.hostPorts.map((mapping): HostPort => ({ mapping, pod: pod.name })),
    ),
    segments,
    interfaces: othersOf(findings, entries).map(of),
    problems: problems.rest().map(shown),
  };
}

/** The links of the node that neither a way nor a segment shows. */
function othersOf({ survey, surroundings }: Findings, entries: readonly Entry[]): NodeLink[] {
  const ways = new Set([...surroundings.waysOut.values()].map(({ index }) => index));
  const shownNames = new Set(entries.flatMap(({ links, hook }) => [...links, hook.name]));
  const isShown = ({ index, name, kind, master, isLoopback }: NodeLink): boolean =>
    isLoopback ||
    ways.has(index) ||
    shownNames.has(name) ||
    kind === "bridge" ||
    survey.links.get(master)?.kind === "bridge";
  return [...survey.links.values()].filter((link) => !isShown(link));
}

/** The entries; those of a container with several interfaces name the others. */
function withSiblings(entries: readonly Entry[]): Entry[] {
  const byContainer = new Map<string, Entry[]>();
  const idOf = ({ surveyed }: Entry): string => surveyed?.attachment.key.containerId ?? "";
  for (const entry of entries) {
    const siblings = byContainer.get(idOf(entry)) ?? [];
    siblings.push(entry);
    byContainer.set(idOf(entry), siblings);
  }
  return entries.map((entry) => {
    const siblings = idOf(entry) === "" ? [] : (byContainer.get(idOf(entry)) ?? []);
    const others = siblings.filter((each) => each !== entry);
    if (others.length === 0) return entry;
    const names = others.map(({ pod, network }) => `${pod.interface} in ${network}`);
    return { ...entry, pod: { ...entry.pod, facts: [`also ${names.join(", ")}`, ...entry.pod.facts] } };
  });
}

/** The entries of a segment. */
interface Group {
  kind: SegmentKind;
  title: string;
  /** The bridge, where it is there. */
  link: NodeLink | undefined;
  members: Entry[];
}

/** The segments of all entries, and the bridges that have none. */
function segmentsOf(entries: readonly Entry[], findings: Findings, problems: Problems): Segment[] {
  const links = [...findings.survey.links.values()];
  const shownLinks = new Set(entries.flatMap((entry) => entry.links));
  const segments = groupsOf(entries, links).map(({ kind, title, link, members }): Segment => {
    const ends = link === undefined ? endsOf(members, kind) : [link];
    const addresses = [...new Set(ends.flatMap((end) => addressTexts(end, findings)))];
    const facts = link === undefined ? [] : bridgeFacts(link, links, shownLinks);
    const sentences = problems.about(title).map(shown);
    return { kind, title, addresses, facts, networks: networksOf(members, problems), problems: sentences };
  });
  return segments.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** Where the node routes, each of its ends has the addresses of the gateway. */
function endsOf(members: readonly Entry[], kind: SegmentKind): NodeLink[] {
  return kind === "ptp" ? members.flatMap(({ surveyed }) => surveyed?.hostLink ?? []) : [];
}

function groupsOf(entries: readonly Entry[], links: readonly NodeLink[]): Group[] {
  const byName = new Map(links.map((link) => [link.name, link]));
  const groups = new Map<string, Group>();
  for (const entry of entries) {
    const { kind, title, name } = entry.hook;
    const id = `${kind} ${name}`;
    const link = kind === "bridge" ? byName.get(name) : undefined;
    const group = groups.get(id) ?? { kind, title, link, members: [] };
    group.members.push(entry);
    groups.set(id, group);
  }
  const used = new Set([...groups.values()].map(({ link }) => link));
  const unused = links.filter((link) => link.kind === "bridge" && !used.has(link));
  const empty = unused.map((link): Group => ({ kind: "bridge", title: titleOf(link), link, members: [] }));
  return [...groups.values(), ...empty];
}

/** Facts about a bridge: among others its ports that lead to no pod. */
function bridgeFacts(
  bridge: NodeLink,
  links: readonly NodeLink[],
  shownLinks: ReadonlySet<string>,
): string[] {
  const ports = links.filter(({ master, name }) => master === bridge.index && !shownLinks.has(name));
  return [
    `mtu ${bridge.mtu}`,
    ...(bridge.up ? [] : ["down"]),
    ...ports.map(({ name, up }) => `port ${shown(name)}${up ? "" : " (down)"}`),
  ];
}

function networksOf(entries: readonly Entry[], problems: Problems): Network[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const members = groups.get(entry.network) ?? [];
    members.push(entry);
    groups.set(entry.network, members);
  }
  return [...groups].map(([name, members]) =>
    withSharedProblems({
      name,
      facts: [...new Set(members.flatMap(({ networkFacts }) => networkFacts))],
      pods: members.map(({ pod }) => pod),
      problems: problems.about(`network ${name}`).map(shown),
    }),
  );
}
