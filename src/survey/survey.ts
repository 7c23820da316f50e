// The attachments of the node and its pairs of interfaces, as they are: records, links and namespaces, read
// at once. Looking changes nothing, and no namespace is entered.
import { type Attachment, sameHost } from "../attachment/attachment.ts";
import { hostEndOf } from "../attachment/link.ts";
import { isDead } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import {
  addProcesses,
  type Namespaces,
  type NetworkNamespace,
  namedNamespaces,
  namespaceAt,
} from "../look/namespaces.ts";
import { type CountedLink, listCountedLinks } from "../net/link-list.ts";
import type { DatedRecord, UnreadableRecord } from "../record/record-file.ts";
import { listRecordedNetworks } from "../record/store.ts";
import { driftOf } from "./drift.ts";
import { findStrayLeases, type StrayLease } from "./lease.ts";
import { findLost } from "./lost.ts";
import { inOrder } from "./order.ts";
import { findPairs, type Pair } from "./pair.ts";
import { lookUntilSure } from "./sure.ts";

/**
 * The state of an attachment. `starting`: its ADD is under way. `ok`: it is as its ADD made it, as far as the
 * node's side tells. `drift`: something differs. `dead`: its namespace is gone, or its ADD was killed, so
 * nobody uses it.
 */
export type State = "starting" | "ok" | "drift" | "dead";

/** A recorded attachment and what is there of it. */
export interface SurveyedAttachment {
  attachment: Attachment;
  state: State;
  /** A sentence for each difference. */
  problems: string[];
  /** The host's end, with its counters; undefined where there is none. */
  hostLink: CountedLink | undefined;
  /**
   * The namespace at the path that the runtime gave; undefined where it is gone, and where nobody asked for
   * processes.
   */
  namespace: NetworkNamespace | undefined;
  /** When its ADD ended, in milliseconds since 1970; undefined where it has not. */
  since: number | undefined;
}

/** All that is on the node. */
export interface Survey {
  /** The links of the node, by their index. */
  links: ReadonlyMap<number, CountedLink>;
  /** The recorded attachments of this boot and namespace, by network, then by pod or container. */
  attachments: SurveyedAttachment[];
  /** Veth ends of the node that belong to no recorded attachment: those of others, and strays of ours. */
  pairs: Pair[];
  /** Leases that belong to no recorded attachment. */
  leases: StrayLease[];
  /** The files in the place of records that cannot be read. */
  unreadable: UnreadableRecord[];
}

/** How closely the node is looked at. */
export interface Manner {
  /** True: the processes in each namespace are found, too. */
  withProcesses: boolean;
}

/**
 * The survey that was taken last. It stays to the end of the process: to free it object by object takes
 * longer than to read the leases.
 */
let latest: Survey | undefined;

/**
 * Looks at the node. An attachment or thing that is not as it should be is told only when it is so for a
 * while: ADDs and DELs that run meanwhile leave things half made. Needs root. Throws CniError and SystemError
 * when records or links cannot be read.
 */
export function takeSurvey(node: Node, manner: Manner): Survey {
  const { seen, doubts } = lookUntilSure(() => {
    const survey = lookOnce(node, manner);
    return { seen: survey, doubts: doubtsOf(survey) };
  });
  const isSure = (doubt: string | undefined): boolean => doubt === undefined || doubts.has(doubt);
  latest = {
    ...seen,
    attachments: seen.attachments.filter((each) => isSure(doubtOfAttachment(each))),
    pairs: seen.pairs.filter((each) => isSure(doubtOfPair(each))),
    leases: seen.leases.filter((each) => isSure(doubtOfLease(each))),
    unreadable: seen.unreadable.filter((each) => isSure(each.path)),
  };
  return latest;
}

/** The things that are wrong. */
function doubtsOf({ attachments, pairs, leases, unreadable }: Survey): Set<string> {
  const all = [
    ...attachments.map(doubtOfAttachment),
    ...pairs.map(doubtOfPair),
    ...leases.map(doubtOfLease),
    ...unreadable.map(({ path }) => path),
  ];
  return new Set(all.filter((each) => each !== undefined));
}

/** Another ADD of the same pod has another time, and mostly other addresses. */
function doubtOfAttachment(surveyed: SurveyedAttachment): string | undefined {
  const { attachment, state, since, problems } = surveyed;
  if (state === "ok" || state === "starting") return undefined;
  const { network, containerId, interfaceName } = attachment.key;
  const addresses = attachment.addresses.map(({ address }) => formatPrefix(address));
  return JSON.stringify([network, containerId, interfaceName, addresses, state, since, problems]);
}

function doubtOfPair({ link, key }: Pair): string | undefined {
  return key === undefined ? undefined : `${link.index} ${link.name}`;
}

function doubtOfLease({ directory, address, owner }: StrayLease): string {
  return JSON.stringify([directory, formatAddress(address), owner]);
}

function lookOnce(node: Node, { withProcesses }: Manner): Survey {
  const links = new Map<number, CountedLink>();
  const byName = new Map<string, CountedLink>();
  for (const link of listCountedLinks(node.links)) {
    links.set(link.index, link);
    byName.set(link.name, link);
  }
  const { records, unreadable } = readRecords(node);
  const surveyed = records.map(({ attachment, completedAt: since }): SurveyedAttachment => {
    const hostLink = byName.get(hostEndOf(attachment.link)?.name ?? "");
    const state = stateOf(attachment, { since, hostLink, node });
    return { attachment, state, problems: [], hostLink, namespace: undefined, since };
  });
  noteDrift(surveyed, byName, node);
  const own = new Set(surveyed.map(({ hostLink }) => hostLink));
  const others = [...links.values()].filter((link) => !own.has(link) && link.kind === "veth");
  // A node with pods alone has no pair whose other end has to be found.
  const isNeeded = withProcesses || others.some(({ peerNamespace }) => peerNamespace !== undefined);
  const namespaces = isNeeded ? findNamespaces(surveyed) : new Map<string, NetworkNamespace>();
  if (withProcesses) addProcesses(namespaces);
  const ofPods = new Set(isNeeded ? surveyed.flatMap(({ namespace }) => namespace ?? []) : []);
  return {
    links,
    attachments: inOrder(surveyed),
    pairs: findPairs(others, { links, namespaces, ofPods, node }),
    leases: findStrayLeases(
      records.map(({ attachment }) => attachment),
      listRecordedNetworks(),
    ),
    unreadable,
  };
}

/** Finds the namespaces of the node, and which of them the attachments are in. */
function findNamespaces(surveyed: readonly SurveyedAttachment[]): Namespaces {
  const namespaces = namedNamespaces();
  for (const one of surveyed) one.namespace = namespaceAt(one.attachment.namespace.path, namespaces);
  return namespaces;
}

/** Notes the differences of those that live, and gives them the state of drift. */
function noteDrift(
  surveyed: readonly SurveyedAttachment[],
  links: ReadonlyMap<string, CountedLink>,
  node: Node,
): void {
  const living = surveyed.filter(({ state }) => state === "ok");
  const lost = findLost(
    living.map(({ attachment }) => attachment),
    node,
  );
  for (const one of living) {
    one.problems = driftOf(one.attachment, { hostLink: one.hostLink, links, lost });
    if (one.problems.length > 0) one.state = "drift";
  }
}

function readRecords(node: Node): { records: DatedRecord[]; unreadable: UnreadableRecord[] } {
  const host = node.identity();
  const lists = listRecordedNetworks().map((network) => node.records.listDatedRecords(network));
  return {
    records: lists.flatMap(({ records }) =>
      records.filter(({ attachment }) => sameHost(attachment.host, host)),
    ),
    unreadable: lists.flatMap(({ unreadable }) => unreadable),
  };
}

/** The state as far as records and links tell it; `since`: when its ADD ended. */
function stateOf(attachment: Attachment, { since, hostLink, node }: Found): State {
  if (since === undefined) return node.records.isAddRunning(attachment.key) ? "starting" : "dead";
  if (hostLink !== undefined) return "ok";
  return isDead(attachment, node) ? "dead" : "ok";
}

interface Found {
  since: number | undefined;
  hostLink: CountedLink | undefined;
  node: Node;
}
