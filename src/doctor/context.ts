// Everything that examinations look at. What several of them need is read once, when the first asks for it.
import { bridgeOf, entryOf } from "../attachment/link.ts";
import type { Netconf } from "../cni/config.ts";
import type { Node } from "../host/node.ts";
import type { Family } from "../ip/address.ts";
import type { CountedLink } from "../net/link-list.ts";
import { type ConfigurationFile, readConfigurations } from "../survey/network.ts";
import type { Survey, SurveyedAttachment } from "../survey/survey.ts";
import { lookIntoPods, type PodFacts } from "./pod-facts.ts";

/** The folders that a runtime reads. */
export interface Folders {
  /** Where network configurations are. */
  configurations: string;
  /** Where plugins are. */
  executables: string;
}

/** The node as a doctor sees it. Looking changes nothing. */
export class Context {
  readonly node: Node;
  readonly survey: Survey;
  readonly folders: Folders;
  /** The attachments that were asked for; undefined: the whole node. */
  readonly asked: ReadonlySet<SurveyedAttachment> | undefined;
  /** False: no pod is looked at from inside. */
  looksInside = true;
  private readFiles: ConfigurationFile[] | undefined;
  private seenPods: PodFacts[] | undefined;
  private named: ReadonlyMap<string, CountedLink> | undefined;

  constructor(
    { node, survey }: { node: Node; survey: Survey },
    folders: Folders,
    asked?: ReadonlySet<SurveyedAttachment>,
  ) {
    this.node = node;
    this.survey = survey;
    this.folders = folders;
    this.asked = asked;
  }

  /** The configurations, in the order in which a runtime takes them. */
  get files(): ConfigurationFile[] {
    this.readFiles ??= readConfigurations(this.folders.configurations);
    return this.readFiles;
  }

  /** The networks that Pontoon makes by these configurations. */
  get netconfs(): Netconf[] {
    return this.files.flatMap(({ netconfs }) => netconfs);
  }

  /** The attachments that live and whose ADD has ended. */
  get living(): SurveyedAttachment[] {
    return this.survey.attachments.filter(({ state }) => state === "ok" || state === "drift");
  }

  /**
   * The facts about living pods, of those that were asked for; none where no pod is looked at from inside.
   */
  get pods(): PodFacts[] {
    this.seenPods ??= lookIntoPods(
      this.looksInside ? this.living.filter((one) => this.asked?.has(one) ?? true) : [],
      this.node,
      this.asked !== undefined,
    );
    return this.seenPods;
  }

  /** The link of the node with that name. */
  linkNamed(name: string): CountedLink | undefined {
    this.named ??= new Map([...this.survey.links.values()].map((link) => [link.name, link]));
    return this.named.get(name);
  }
}

/** The living attachments of one network that come into the node by one interface or one kind of them. */
export interface Group {
  network: string;
  /** The bridge, or in a VLAN the gateway's interface; for pods without a bridge the end of the first. */
  entry: string;
  bridge: string | undefined;
  members: SurveyedAttachment[];
}

/** The living attachments by network and interface; those that come in by no interface are left out. */
export function groupsOf({ living }: Context): Group[] {
  const groups = new Map<string, Group>();
  for (const one of living) {
    const { key, link } = one.attachment;
    const entry = entryOf(link);
    if (entry === undefined) continue;
    const bridge = bridgeOf(link);
    const id = `${key.network}\0${bridge === undefined ? "" : entry}`;
    const group = groups.get(id) ?? { network: key.network, entry, bridge, members: [] };
    group.members.push(one);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** True for an attachment with an address of the family. */
export function hasFamily({ attachment }: SurveyedAttachment, family: Family): boolean {
  return attachment.addresses.some(({ address }) => address.address.family === family);
}
