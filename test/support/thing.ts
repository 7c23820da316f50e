// One thing of a world that a plugin may make, change or take away: a link, an nftables element, a file.

/** What is known of it besides the line that shows it. */
export interface Thing {
  /** `link`, `address`, `route`, `rule`, `sysctl`, `file`, `folder`, `nft element`…: its line begins so. */
  kind: string;
  /** How it reads in a difference. Two things with one line are one thing. */
  line: string;
  /** What it is called: a file without its folder, an element as its set or map. */
  name: string;
  /** The pod in whose network it is; without one it is on the node. */
  pod?: string;
  /** The link that it is, is on or leads by. */
  link?: string;
  /** The nftables table, with its family: `inet pontoon`. */
  table?: string;
  /** Where a file or folder is. */
  path?: string;
  /** Words that may say whose it is and that the line does not show: a lease's owner, a record. */
  owner?: string;
}
