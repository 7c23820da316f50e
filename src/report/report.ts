// All that a report about a fault needs to know of the node, without secrets: texts for an archive.

import { readState } from "../cluster/state.ts";
import { programVersion } from "../cni/about.ts";
import { entriesOf, typeOf } from "../cni/chain.ts";
import { CniError } from "../cni/error.ts";
import { parseJson } from "../cni/json.ts";
import { type Fields, isFields, type Kind } from "../cni/keys.ts";
import { NETCONF_KEYS } from "../cni/netconf-keys.ts";
import type { Node } from "../host/node.ts";
import { listRecordedNetworks, RECORD_ROOT } from "../record/store.ts";
import { listConfigurations } from "../survey/folder.ts";
import type { Survey } from "../survey/survey.ts";
import { epochMs, utcText } from "../sys/clock.ts";
import { orNone, SystemError } from "../sys/errno.ts";
import { listDirectory, readFileText, readTextOfAny } from "../sys/file.ts";
import { askNode, askPod } from "./program.ts";
import type { Entry } from "./tar.ts";

/** The pods whose namespaces are asked; of more, those come first that are not as they were made. */
const MOST_PODS = 50;

/** The texts of a report. Throws nothing for a part that cannot be read: that part says so. */
export function reportOf({ node, survey }: { node: Node; survey: Survey }, configurations: string): Entry[] {
  return named([
    { name: "README.txt", text: readme() },
    { name: "version.txt", text: versions() },
    { name: "survey.json", text: surveyText(survey) },
    { name: "node.json", text: orReason(() => stateText(node, configurations)) },
    ...configurationEntries(configurations),
    ...recordEntries(),
    { name: "leases.txt", text: leasesText(survey) },
    { name: "settings.txt", text: settings() },
    ...askNode(),
    ...podEntries(survey),
  ]);
}

/** Bytes of a name, so that it fits the archive with a number in front of its last part. */
const LONGEST = 90;

/** The entries with names that fit the archive, each once: a cut or doubled name gets a number. */
function named(entries: readonly Entry[]): Entry[] {
  const taken = new Set<string>();
  return entries.map(({ name, text }, at) => {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    const isFine = name.length <= LONGEST && !taken.has(name);
    const fine = isFine
      ? name
      : `${folder}${at}-${name.slice(folder.length).slice(0, LONGEST - folder.length)}`;
    taken.add(fine);
    return { name: fine, text };
  });
}

function readme(): string {
  return `A report about the network of a node, made by pontoon ${programVersion()} at ${utcText(epochMs())}.

It has names of pods, containers, networks and interfaces, addresses, packet
rules and routes. Of network configurations it has the entries of Pontoon, and
of other plugins their names alone. It has no environment variables, no
arguments of runtimes and no logs. Read it before you pass it on.
`;
}

function versions(): string {
  const read = (path: string): string => orReason(() => readFileText(path).trimEnd());
  return `pontoon ${programVersion()}\n${read("/proc/version")}\n${read("/etc/os-release")}\nup for ${read("/proc/uptime").split(" ")[0]} s\n`;
}

/** What `pontoon node show --json` prints. */
function stateText(node: Node, configurations: string): string {
  return `${JSON.stringify(readState(node, configurations), undefined, 2)}\n`;
}

function surveyText({ attachments, pairs, leases, unreadable }: Survey): string {
  const value = {
    attachments: attachments.map(({ attachment: { key, pod }, state, problems, since }) => ({
      ...key,
      pod,
      state,
      problems,
      since,
    })),
    pairs: pairs.map(({ link, key, far, namespace }) => ({
      name: link.name,
      key,
      other: far?.name,
      namespace: namespace?.paths,
    })),
    leases: leases.map(({ directory, owner }) => ({ directory, owner })),
    unreadable,
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

/** The configurations of the folder, without what others may keep in theirs. */
function configurationEntries(folder: string): Entry[] {
  return orNone(() => listConfigurations(folder)).map((name) => ({
    name: `configurations/${plain(name)}`,
    text: orReason(
      () => `${JSON.stringify(redacted(parseJson(readFileText(`${folder}/${name}`))), undefined, 2)}\n`,
    ),
  }));
}

const LEFT_OUT = "(left out)";

/** A configuration with the keys that Pontoon knows; of the entries of other plugins the type alone. */
function redacted(config: unknown): unknown {
  if (!isFields(config)) return LEFT_OUT;
  if (!Array.isArray(config["plugins"])) return entryOf(config);
  const { cniVersion, cniVersions, name, disableCheck, disableGC } = config;
  return {
    ...{ cniVersion, cniVersions, name, disableCheck, disableGC },
    plugins: entriesOf(config, "pontoon").map(({ entry }) => entryOf(entry)),
  };
}

function entryOf(entry: Fields): unknown {
  return typeOf(entry) === "pontoon" ? known(entry, NETCONF_KEYS) : { type: typeOf(entry), others: LEFT_OUT };
}

/** The value without keys that are not in the tree. */
function known(value: unknown, tree: Kind): unknown {
  if (Array.isArray(value))
    return value.map((each) => known(each, Array.isArray(tree) ? (tree[0] as Kind) : true));
  if (!isFields(value) || typeof tree !== "object" || Array.isArray(tree)) return value;
  const keys = tree as { readonly [key: string]: Kind };
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [
      key,
      Object.hasOwn(keys, key) ? known(below, keys[key] ?? true) : LEFT_OUT,
    ]),
  );
}

/** The records as they are on the disk, damaged ones too. */
function recordEntries(): Entry[] {
  return orNone(listRecordedNetworks).flatMap((network) =>
    orNone(() => listDirectory(`${RECORD_ROOT}/${network}`)).map((name) => ({
      name: `records/${plain(network).slice(0, 40)}/${plain(name)}`,
      text: orReason(() => readTextOfAny(`${RECORD_ROOT}/${network}/${name}`) ?? "(no file)\n"),
    })),
  );
}

/** The names of all leases beside the attachments' own, by their folders. */
function leasesText({ attachments, leases }: Survey): string {
  const folders = new Set([
    ...attachments.flatMap(({ attachment }) => attachment.leaseDirectory ?? []),
    ...leases.map(({ directory }) => directory),
  ]);
  return [...folders]
    .map((folder) => {
      const names = orNone(() => listDirectory(folder)).sort();
      const lines = names.map((name) => {
        const owner = orReason(() => readTextOfAny(`${folder}/${name}`) ?? "(no file)");
        return `  ${name}  ${owner.replaceAll(/\s+/g, " ")}\n`;
      });
      return `${folder}\n${lines.join("")}`;
    })
    .join("");
}

/** The settings of the kernel on which a pod's way depends. */
const SETTINGS = [
  "net/ipv4/ip_forward",
  "net/ipv6/conf/all/forwarding",
  "net/ipv6/conf/all/disable_ipv6",
  "net/ipv4/conf/all/rp_filter",
  "net/ipv4/conf/default/rp_filter",
  "net/ipv4/conf/all/route_localnet",
  "net/bridge/bridge-nf-call-iptables",
  "net/bridge/bridge-nf-call-ip6tables",
  "net/netfilter/nf_conntrack_count",
  "net/netfilter/nf_conntrack_max",
  "net/ipv4/neigh/default/gc_thresh3",
  "net/ipv6/neigh/default/gc_thresh3",
];

function settings(): string {
  return SETTINGS.map(
    (name) => `${name} = ${orReason(() => readFileText(`/proc/sys/${name}`).trim())}\n`,
  ).join("");
}

/** The insides of pods, those that are not as they were made first. */
function podEntries({ attachments }: Survey): Entry[] {
  const order = (state: string): number => (state === "ok" ? 1 : 0);
  return attachments
    .filter(({ namespace }) => namespace !== undefined)
    .sort((a, b) => order(a.state) - order(b.state))
    .slice(0, MOST_PODS)
    .map(({ attachment: { key, pod, namespace } }, at) => ({
      name: `pods/${at + 1}-${plain(pod ?? key.containerId).slice(0, 60)}.txt`,
      text: `${pod ?? key.containerId}, network ${key.network}, ${key.interfaceName}\n\n${askPod(namespace.path)}`,
    }));
}

/** A name as a part of a path in the archive. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "-");
}

/** The text, or the reason why there is none in brackets. */
function orReason(look: () => string): string {
  try {
    return look();
  } catch (error) {
    if (error instanceof SystemError || error instanceof CniError || error instanceof RangeError)
      return `(${error.message})`;
    throw error;
  }
}
