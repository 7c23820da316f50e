// Tables of the kernel that can be full: tracked connections, and neighbours.
import type { Family } from "../../ip/address.ts";
import { listNeighbours } from "../../net/neighbour.ts";
import { readSysctl } from "../../net/sysctl.ts";
import type { FindingCode } from "../code.ts";
import type { Context } from "../context.ts";
import { type Finding, NODE } from "../finding.ts";
import { familiesOfLearned } from "../pod-facts.ts";

/** From this share on a table that is not full yet is a note. */
const NEARLY_FULL = 0.9;

/** Tables that are full or nearly so. */
export function examineKernelTables({ node, pods }: Context): Finding[] {
  const learned = [
    ...familiesOfLearned(listNeighbours(node.links)),
    ...pods.flatMap((facts) => facts.learned),
  ];
  const count = (family: Family): number => learned.filter((one) => one === family).length;
  return [
    ...fullTable({
      code: "connectionTableFull",
      title: "the table of tracked connections",
      used: numberIn("netfilter/nf_conntrack_count"),
      most: numberIn("netfilter/nf_conntrack_max"),
      setting: "netfilter/nf_conntrack_max",
      loss: "packets of new connections are dropped",
    }),
    ...([4, 6] as const).flatMap((family) =>
      fullTable({
        code: "neighbourTableFull",
        title: `the table of IPv${family} neighbours`,
        used: count(family),
        most: numberIn(`ipv${family}/neigh/default/gc_thresh3`),
        setting: `ipv${family}/neigh/default/gc_thresh3`,
        loss: "packets to new neighbours are dropped",
      }),
    ),
  ];
}

interface KernelTable {
  code: FindingCode;
  title: string;
  /** The entries that it has; undefined where this namespace does not tell. */
  used: number | undefined;
  most: number | undefined;
  /** The setting with the most, below /proc/sys/net. */
  setting: string;
  /** What happens when it is full. */
  loss: string;
}

function fullTable({ code, title, used, most, setting, loss }: KernelTable): Finding[] {
  if (used === undefined || most === undefined || most === 0 || used < NEARLY_FULL * most) return [];
  const isFull = used >= most;
  return [
    {
      code,
      subject: NODE,
      severity: isFull ? "error" : "note",
      sentence: isFull ? `${title} is full: ${loss}` : `${title} is nearly full`,
      proof: `${used} of ${most} entries are in use`,
      cure: `sysctl -w net/${setting}=${2 * most}`,
    },
  ];
}

function numberIn(setting: string): number | undefined {
  const text = readSysctl(setting);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}
