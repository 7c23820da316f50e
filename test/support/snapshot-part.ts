// What there is in a world at one moment, asked for by what it means.
import { Difference } from "./difference.ts";
import type { Thing } from "./thing.ts";

/** A part of a snapshot, as `({ leases }) => leases`. */
export type Part = (all: Snapshot) => Snapshot;

/** Interfaces of pods, by the names that tests ask for (CNI_IFNAME). */
const POD_END = /^(eth|net)\d/;

/** Host's ends of pods, of ours and of the reference plugin; our ifbs; free ends of wires. */
const HOST_END = /^(veth|pifb|wire[0-9a-f]{11}$)/;

/** The digest of an attachment, and what the file is. */
const ATTACHMENT_FILE = /^[0-9a-f]{32}\./;

/** An address, as the programs that lease it write it. */
const LEASE = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]*)/;

/**
 * Things of a world at one moment, or a part of them. Every getter and method that narrows gives a snapshot
 * again, so they are put one behind the other: `after.leases.of(red).lines`.
 */
export class Snapshot {
  readonly #things: readonly Thing[];

  constructor(things: readonly Thing[]) {
    this.#things = things;
  }

  /** A line for each thing, sorted. What a test compares, so that a failure reads like a list. */
  get lines(): string[] {
    return this.#things.map(({ line }) => line).sort();
  }

  /** Names, in the order of the lines: of leases the addresses, of elements their sets. */
  get names(): string[] {
    return this.#things.toSorted((a, b) => (a.line < b.line ? -1 : 1)).map(({ name }) => name);
  }

  get count(): number {
    return this.#things.length;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  where(belongs: (thing: Thing) => boolean): Snapshot {
    return new Snapshot(this.#things.filter(belongs));
  }

  /** The same with each thing changed. */
  mapped(change: (thing: Thing) => Thing): Snapshot {
    return new Snapshot(this.#things.map(change));
  }

  /** These and those of other parts. */
  plus(...parts: Snapshot[]): Snapshot {
    return new Snapshot([...new Set([this, ...parts].flatMap((part) => part.#things))]);
  }

  /** These but for a part. */
  without({ lines }: Snapshot): Snapshot {
    const left = new Set(lines);
    return this.where(({ line }) => !left.has(line));
  }

  /** What went and what came since then. */
  minus(before: Snapshot): Difference {
    return new Difference(before.without(this), this.without(before));
  }

  // What it is.

  get links(): Snapshot {
    return this.#ofKind("link");
  }

  get addresses(): Snapshot {
    return this.#ofKind("address");
  }

  get sysctls(): Snapshot {
    return this.#ofKind("sysctl");
  }

  /** All of nftables, from tables to elements. What iptables keeps in nftables is in it. */
  get nftables(): Snapshot {
    return this.where(({ table }) => table !== undefined);
  }

  get files(): Snapshot {
    return this.#ofKind("file");
  }

  /** Elements of sets and maps of nftables. */
  get elements(): Snapshot {
    return this.#ofKind("nft element");
  }

  /** Rules of nftables. */
  get rules(): Snapshot {
    return this.#ofKind("nft rule");
  }

  // Where it is.

  /** In the network of a pod. */
  in(pod: { name: string }): Snapshot {
    return this.where((thing) => thing.pod === pod.name);
  }

  /** The links of that name, and what is on them: addresses, routes by them, settings. */
  on(link: string): Snapshot {
    return this.where((thing) => thing.link === link);
  }

  /** What is in a table of nftables, and the table itself: `inet pontoon`. */
  inTable(table: string): Snapshot {
    return this.where((thing) => thing.table === table);
  }

  /** The folder and what is in it. */
  below(folder: string): Snapshot {
    return this.where(({ path = "" }) => path === folder || path.startsWith(`${folder}/`));
  }

  named(name: string): Snapshot {
    return this.where((thing) => thing.name === name);
  }

  // Whose it is.

  /** What is in the pod, and what names its container on the node: alias, comment, lease or record. */
  of(pod: { name?: string; containerId: string }): Snapshot {
    return this.where((thing) => thing.pod === pod.name && pod.name !== undefined).plus(
      this.mentioning(pod.containerId),
    );
  }

  /** What has a word in its line, or in what it says of its owner. */
  mentioning(word: string): Snapshot {
    return this.where(({ line, owner = "" }) => line.includes(word) || owner.includes(word));
  }

  /** All that belongs to an attachment of any pod and is gone with it, whichever program made it. */
  get attachments(): Snapshot {
    return this.podEnds.plus(this.hostEnds, this.elements, this.leases, this.attachmentFiles);
  }

  /** The interfaces of pods that networks gave them, and what is on these. */
  get podEnds(): Snapshot {
    return this.where(({ pod, link = "" }) => pod !== undefined && POD_END.test(link));
  }

  /** The links of attachments on the node, and what is on these. */
  get hostEnds(): Snapshot {
    return this.where(({ pod, link = "" }) => pod === undefined && HOST_END.test(link));
  }

  /** A file for each address that is taken, in whatever folder. */
  get leases(): Snapshot {
    return this.where(({ kind, name }) => kind === "file" && LEASE.test(name));
  }

  /** Where the next search for an address starts. */
  get hints(): Snapshot {
    return this.where(({ kind, name }) => kind === "file" && name.startsWith("last_reserved_ip."));
  }

  /** Records, intents and marks. */
  get attachmentFiles(): Snapshot {
    return this.where(({ kind, name }) => kind === "file" && ATTACHMENT_FILE.test(name));
  }

  /** Records of attachments that are complete. */
  get records(): Snapshot {
    return this.#attachmentFiles(".json");
  }

  /** What ADDs wrote down before they began. */
  get intents(): Snapshot {
    return this.#attachmentFiles(".intent");
  }

  /** Intents of ADDs that were told to stop. */
  get stopped(): Snapshot {
    return this.#attachmentFiles(".stopped");
  }

  /** What a restore noted: it has put rules of these attachments back. */
  get marks(): Snapshot {
    return this.#attachmentFiles(".restored");
  }

  /** The chain of each network that masquerades. */
  get networkChains(): Snapshot {
    return this.inTable("inet pontoon").where(
      ({ kind, name }) => kind === "nft chain" && name.startsWith("net-"),
    );
  }

  /** Tables of ours with what is in them. */
  get ourTables(): Snapshot {
    return this.where(({ table = "" }) => /^\w+ pontoon/.test(table));
  }

  #ofKind(kind: string): Snapshot {
    return this.where((thing) => thing.kind === kind);
  }

  #attachmentFiles(ending: string): Snapshot {
    return this.attachmentFiles.where(({ name }) => name.endsWith(ending));
  }
}
