// The options of `pontoon cni`, and the verbs that each of them belongs to.
import { JSON_OPTION, type Options } from "../arguments.ts";

export const VERBS = ["add", "check", "del", "gc", "status", "version"] as const;

/** A verb as a person writes it. */
export type WrittenVerb = (typeof VERBS)[number];

export const OPTIONS = {
  netns: { letter: "n", value: "NETNS", meaning: "the pod's namespace: a name in /run/netns, or a path" },
  "new-netns": { value: "NAME", meaning: "add: makes the namespace first, as ip netns does" },
  "rm-netns": { meaning: "del: removes the namespace afterwards" },
  port: { value: "PORTS", isRepeated: true, meaning: "host port: 8080:80, 8080:80/udp, 192.0.2.1:8080:80" },
  ip: { value: "ADDRESS", isRepeated: true, meaning: "an address that the pod is to have" },
  mac: { value: "MAC", meaning: "the MAC that the pod is to have" },
  rate: { value: "IN[/OUT]", meaning: "limits in bit/s to and from the pod: 10M/5M" },
  args: { value: "K=V", isRepeated: true, meaning: "CNI_ARGS, as in K8S_POD_NAME=web" },
  ifname: { value: "NAME", meaning: "the pod's interface  (eth0)" },
  id: { value: "ID", meaning: "the container id  (that of cnitool for NETNS)" },
  dead: { meaning: "gc: all stay whose namespace is there" },
  "bin-dir": { value: "DIR", isRepeated: true, meaning: "where plugins are  ($CNI_PATH, /opt/cni/bin)" },
  "conf-dir": { value: "DIR", meaning: "where networks are  ($NETCONFPATH, /etc/cni/net.d)" },
  ...JSON_OPTION,
} as const;

export type CniOptions = Options<typeof OPTIONS>;

/** The options that belong to some verbs alone; all others belong to every verb. */
export const BELONGS_TO: { readonly [name: string]: readonly WrittenVerb[] } = {
  netns: ["add", "check", "del"],
  "new-netns": ["add"],
  "rm-netns": ["del"],
  port: ["add", "check", "del"],
  ip: ["add", "check", "del"],
  mac: ["add", "check", "del"],
  rate: ["add", "check", "del"],
  args: ["add", "check", "del"],
  ifname: ["add", "check", "del"],
  id: ["add", "check", "del"],
  dead: ["gc"],
};
