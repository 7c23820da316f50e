// `pontoon script`: the commands that a person would type to get what an ADD makes.

import { addScript, delScript } from "../script/script.ts";
import { CONFIGURATIONS } from "../survey/folder.ts";
import { defineCommand } from "./command.ts";
import { Misuse } from "./misuse.ts";
import { readNetwork } from "./script/network.ts";
import { type PodWishes, subjectOf, wishesOf } from "./script/subject.ts";

const OPTIONS = {
  netns: { letter: "n", value: "NETNS", meaning: 'the pod\'s namespace, by its name in "ip netns"  (red)' },
  ip: { value: "ADDRESS", isRepeated: true, meaning: "an address for the pod  (the first of the range)" },
  mac: { value: "MAC", meaning: "the pod's MAC  (made of its address)" },
  ifname: { value: "NAME", meaning: "the pod's interface  (eth0)" },
  id: { value: "ID", meaning: "the container id, of which names are made  (NETNS)" },
  port: {
    value: "HOST:POD[/PROTO]",
    isRepeated: true,
    meaning: "a port of the node that leads to one of the pod",
  },
  rate: { value: "IN[/OUT]", meaning: "limits in bit/s to and from the pod, as in 10M/5M" },
  "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
} as const;

export const script = defineCommand({
  name: "script",
  subject: "try",
  words: "add|del CONFLIST",
  summary: "prints the commands that make a pod's network by hand",
  page: `Prints a shell script with the commands that make what an ADD of this network
makes, or take away what a DEL takes away: ip, bridge, sysctl, tc, nft, and
iptables where the network asks for it. A comment says why each is there.
CONFLIST is a file, or - for stdin, or the name of a network in DIR.

Nothing is changed, and no root is needed: run the script where you want its
effect, as root. It knows no other pods: it gives the address that the first
ADD on an empty pool gives, and keeps neither leases nor records.
`,
  options: OPTIONS,
  examples: [
    ["script add pods", "what an ADD of network pods does"],
    ["script add 10-pontoon.conflist | sudo sh", "the same by hand"],
    ["script add pods -n blue --ip 10.222.0.3", "a second pod"],
    ["script del pods | sudo sh", "and away again"],
  ],
  more: `The MTU, and a device for the pod, are those that an ADD on this node would
take now. Print both scripts of a device while it is on the node. An address
of an IPAM plugin that is not built in has to be given, with its length, as in
--ip 10.1.0.5/24.
`,
  completes: "file",
  run({ options, words }, person) {
    const [verb, file, ...more] = words;
    if (verb !== "add" && verb !== "del") throw new Misuse('begin with "add" or "del"');
    if (file === undefined || more.length > 0) throw new Misuse("name one network or file, or - for stdin");
    const wishes: PodWishes = wishesOf(options);
    const network = readNetwork(file, options["conf-dir"] ?? CONFIGURATIONS, person);
    const { subject, notes } = subjectOf(network, wishes);
    return { text: verb === "add" ? addScript(subject) : delScript(subject), notes };
  },
});
