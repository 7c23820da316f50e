// `pontoon ls networks`: the networks of the node, with their pools.
import type { CniError } from "../../cni/error.ts";
import { sentencesOf } from "../../failure/failure.ts";
import type { Node } from "../../host/node.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import type { PoolCount } from "../../ipam/status.ts";
import { listRecordedNetworks } from "../../record/store.ts";
import { type ConfigurationFile, poolsOf, readConfigurations } from "../../survey/network.ts";
import { fileStatus } from "../../sys/status.ts";
import { type Cell, tableOf } from "../../terminal/table.ts";
import { shown, type Terminal } from "../../terminal/terminal.ts";
import type { Answer } from "../command.ts";

/** A network, as JSON has it too. */
export interface NetworkRow {
  network: string;
  /** The file that describes it; undefined where none does any more. */
  file?: string | undefined;
  /** True for the file that a runtime takes, the first by name. */
  isFirst: boolean;
  attach?: string | undefined;
  bridge?: string | undefined;
  subnets: string[];
  /** Addresses of the fullest pool. As text: an IPv6 pool has more than a number can hold. */
  used?: string | undefined;
  free?: string | undefined;
  /** Bytes; undefined: Pontoon takes that of the way out. */
  mtu?: number | undefined;
  masquerades?: boolean | undefined;
  ingressPolicy?: string | undefined;
  /** The number of recorded attachments. */
  pods: number;
}

/** The networks of the configurations in a folder, and those that only records tell of. */
export function listNetworks(node: Node, folder: string, terminal: Terminal): Answer {
  const files = readConfigurations(folder);
  const pods = podCounts(node);
  const errors = files.flatMap(({ path, error }) => (error === undefined ? [] : [inFile(path, error)]));
  if (fileStatus(folder)?.kind !== "directory") errors.push(`There is no folder ${folder}`);
  const rows = files.flatMap((file, place) => rowsOf(file, { isFirst: place === 0, pods, errors }));
  const known = new Set(rows.map(({ network }) => network));
  for (const [network, count] of pods)
    if (!known.has(network) && count > 0)
      rows.push({ network: shown(network), isFirst: false, subnets: [], pods: count });
  const text =
    rows.length === 0
      ? `No network of Pontoon is configured in ${folder}.\n`
      : tableOf(COLUMNS, rows.map(cells), terminal);
  return { text, json: rows, notes: errors };
}

function inFile(path: string, { message }: CniError): string {
  return `${path}: ${shown(message)}; "pontoon validate ${path}" says more`;
}

/** The number of recorded attachments of this host, by network. */
function podCounts(node: Node): Map<string, number> {
  return new Map(listRecordedNetworks().map((network) => [network, node.recorded([network]).length]));
}

/** The rows of a file; a sentence is added to `errors` for each network whose leases cannot be counted. */
function rowsOf(
  { path, netconfs }: ConfigurationFile,
  { isFirst, pods, errors }: { isFirst: boolean; pods: Map<string, number>; errors: string[] },
): NetworkRow[] {
  return netconfs.map((netconf): NetworkRow => {
    const { pools, error } = poolsOf(netconf);
    if (error !== undefined) errors.push(...sentencesOf([error]));
    const { name, attach, bridge, mtu, ipMasq, ingressPolicy, ipam } = netconf;
    return {
      network: name,
      file: path,
      isFirst,
      attach,
      bridge: attach === "bridge" ? bridge : undefined,
      subnets: (ipam?.rangeSets ?? []).flat().map(({ subnet }) => formatPrefix(subnet)),
      ...fullestPool(pools),
      mtu: mtu === 0 ? undefined : mtu,
      masquerades: ipMasq,
      ingressPolicy,
      pods: pods.get(name) ?? 0,
    };
  });
}

/** The pool with the fewest free addresses: when that is full, no pod starts. */
function fullestPool(pools: PoolCount[]): Pick<NetworkRow, "used" | "free"> {
  const [pool] = pools.sort((a, b) => (a.size - a.taken < b.size - b.taken ? -1 : 1));
  return pool === undefined ? {} : { used: String(pool.taken), free: String(pool.size - pool.taken) };
}

const COLUMNS = [
  { title: "NETWORK", least: 7 },
  { title: "VIA" },
  { title: "SUBNET", least: 18 },
  { title: "USED", isRight: true },
  { title: "FREE", isRight: true },
  { title: "PODS", isRight: true },
  { title: "MTU", isRight: true, dispensable: 3 },
  { title: "MASQ", dispensable: 2 },
  { title: "POLICY", dispensable: 1 },
  { title: "FILE", least: 12, dispensable: 4 },
];

function cells(row: NetworkRow): Cell[] {
  const {
    network,
    file,
    attach,
    bridge,
    subnets,
    used = "",
    free,
    mtu,
    masquerades,
    ingressPolicy,
    pods,
  } = row;
  return [
    network,
    bridge === undefined ? (attach ?? "") : `bridge ${shown(bridge)}`,
    subnets.join(","),
    used,
    free === undefined ? "" : freeText(free),
    String(pods),
    mtu === undefined ? (file === undefined ? "" : "auto") : String(mtu),
    masquerades === undefined ? "" : masquerades ? "yes" : "no",
    ingressPolicy ?? (file === undefined ? "" : "none"),
    file === undefined ? { text: "no configuration", style: "yellow" } : shown(file),
  ];
}

/** A number of addresses; one of more than twelve digits as a power of two, as IPv6 pools have them. */
function freeText(free: string): string {
  return free.length <= 12 ? free : `2^${BigInt(free).toString(2).length - 1}`;
}
