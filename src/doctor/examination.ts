// All examinations. A new one is a file in the folder "examine", and a line here.
import type { CniError } from "../cni/error.ts";
import type { Context } from "./context.ts";
import { blindToPods, examineAttachments } from "./examine/attachment.ts";
import { examineConfiguration, examineRecords } from "./examine/configuration.ts";
import { examineDuplicates } from "./examine/duplicate.ts";
import { examineFirewalls } from "./examine/firewall.ts";
import { examineHostPorts } from "./examine/host-port.ts";
import { examineKernelTables } from "./examine/kernel-table.ts";
import { examineDead, examineLeases, examinePools } from "./examine/lease.ts";
import { examineMtu } from "./examine/mtu.ts";
import { examineNeighbours } from "./examine/neighbour.ts";
import { examineNodePart } from "./examine/node.ts";
import { examineState } from "./examine/state.ts";
import { examineSubnets } from "./examine/subnet.ts";
import { examineWays } from "./examine/way.ts";
import type { Finding } from "./finding.ts";

/** An examination of one subject. It changes nothing. */
export interface Examination {
  /** One word or two, for programs. */
  name: string;
  /** What is right where it finds nothing, as a sentence without its full stop. */
  content: string;
  /** The findings. Throws CniError and SystemError where it cannot look. */
  examine(context: Context): Finding[];
  /** The reason why it could not look at a part; undefined where it looked at all. */
  blind?(context: Context): CniError | undefined;
}

/** In the order in which a packet's way comes about: what should be, what is, what others do to it. */
export const EXAMINATIONS: readonly Examination[] = [
  {
    name: "configuration",
    content: "network configurations are valid, and their plugins can be run",
    examine: examineConfiguration,
  },
  { name: "records", content: "every record can be read", examine: examineRecords },
  { name: "state", content: "records and leases can be written", examine: examineState },
  {
    name: "attachments",
    content: "interfaces, addresses, routes and packet rules are as each ADD made them",
    examine: examineAttachments,
    blind: blindToPods,
  },
  { name: "leases", content: "each address is leased to the pod that has it", examine: examineLeases },
  { name: "pools", content: "every pool has free addresses", examine: examinePools },
  { name: "dead", content: "nothing is left of pods that are gone", examine: examineDead },
  { name: "neighbours", content: "no static neighbour is wrong", examine: examineNeighbours },
  { name: "duplicates", content: "no two have one MAC or one address", examine: examineDuplicates },
  { name: "host-ports", content: "somebody listens behind every host port", examine: examineHostPorts },
  {
    name: "firewalls",
    content: "no firewall drops what the node forwards for pods",
    examine: examineFirewalls,
  },
  {
    name: "subnets",
    content: "the node sends packets for pods by their own interface",
    examine: examineSubnets,
  },
  {
    name: "ways",
    content: "the node routes what pods send beyond it, and the answers",
    examine: examineWays,
  },
  { name: "mtu", content: "the way out takes the pods' largest packets", examine: examineMtu },
  {
    name: "node",
    content: "routes, tunnel and masquerading for the pods of other nodes fit each other",
    examine: examineNodePart,
  },
  { name: "kernel-tables", content: "no table of the kernel is full", examine: examineKernelTables },
];
