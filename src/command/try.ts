// `pontoon try`: does a network work on this node?
import { Node } from "../host/node.ts";
import { type Style, shown, styled, type Terminal } from "../terminal/terminal.ts";
import type { Finding } from "../trial/finding.ts";
import { tryNetwork } from "../trial/trial.ts";
import { JSON_OPTION, refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { networkListOf, pluginFolders } from "./folders.ts";
import { Misuse } from "./misuse.ts";
import { needRoot } from "./text.ts";

/** `try` is a word of the language. */
export const trial = defineCommand({
  name: "try",
  subject: "try",
  words: "CONFLIST",
  summary: "brings up two pods, measures them, takes them down",
  page: `Attaches two namespaces to a network as a runtime does, and sends packets: to
the gateway, to each other, to the next router of the node, packets as long as
the MTU, and to a host port; over IPv4 and IPv6. Then it takes all down again,
also when something failed, and after Ctrl-C; what a killed one leaves is
removed by the next.
CONFLIST is a file, or the name of a network. Needs root.

A network with a device of the node gets one pod. Names (DNS) are not tried.
`,
  options: {
    keep: { meaning: "leaves the two pods there, to look at" },
    "bin-dir": { value: "DIR", isRepeated: true, meaning: "where plugins are  ($CNI_PATH, /opt/cni/bin)" },
    "conf-dir": { value: "DIR", meaning: "where networks are  ($NETCONFPATH, /etc/cni/net.d)" },
    ...JSON_OPTION,
  },
  examples: [
    ["try pods", "does the network of this name work?"],
    ["try ./10-pods.conflist --keep", "and leave the pods there"],
  ],
  statuses: "0 when nothing failed, 1 when something did, 2 for wrong words.\n",
  completes: "file",
  run({ options, words }, { terminal }) {
    const [conflist, ...others] = words;
    if (conflist === undefined) throw new Misuse("name a network, or its file");
    refuseWords(others);
    const list = networkListOf(conflist, options["conf-dir"]);
    needRoot("try networks", "try", ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
    using node = Node.open();
    const chain = { list, folders: pluginFolders(options["bin-dir"]) };
    const { findings, kept } = tryNetwork(chain, options.keep === true, node);
    const isGood = findings.every(({ state }) => state !== "failed");
    return {
      text: findings.map((finding) => lineOf(finding, terminal)).join("") + keptText(conflist, kept),
      json: { network: list.name, passed: isGood, findings, kept },
      status: isGood ? 0 : 1,
    };
  },
});

const SIGNS: { readonly [State in Finding["state"]]: readonly [sign: string, style: Style] } = {
  passed: ["✓", "green"],
  failed: ["✗", "red"],
  skipped: ["-", "faint"],
};

function lineOf({ state, text }: Finding, terminal: Terminal): string {
  const [sign, style] = SIGNS[state];
  return `${styled(sign, style, terminal)} ${shown(text)}\n`;
}

function keptText(conflist: string, kept: readonly string[]): string {
  if (kept.length === 0) return "";
  const lines = kept.map(
    (name) => `  pontoon cni del ${shown(conflist)} -n ${name} --id ${name} --rm-netns\n`,
  );
  return `The pods are kept; these take them down:\n${lines.join("")}`;
}
