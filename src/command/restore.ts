// `pontoon restore`: for the operator, and for hooks of firewall services that flush the whole ruleset.
import type { CniError } from "../cni/error.ts";
import { Node } from "../host/node.ts";
import { restoreRules } from "../host/restore.ts";
import { refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { counted, needRoot } from "./text.ts";

export const restore = defineCommand({
  name: "restore",
  subject: "mend",
  words: "",
  summary: "puts back packet rules that something has flushed",
  page: `Puts back the packet rules of all running pods, and limits of bandwidth, after
something took them away: "nft flush ruleset", a reload of a firewall, an
upgrade of Pontoon that lays them out in another way. Bridges that are down are
raised, gateway addresses put back, and forwarding switched on where pods need
it, as by the next ADD. Needs root. Prints a line for each network.

Rules that are there stay as they are, so it may be run at any time, beside
pods that come and go. docs/restore.md of the sources has hooks for systemd
and firewalld.
`,
  options: {},
  examples: [["restore", "after a firewall was reloaded"]],
  run({ words }) {
    refuseWords(words);
    const { lines, errors } = restoreAll();
    const nothing = "nothing to do: no attachments are recorded on this host";
    return { text: `${(lines.length === 0 ? [nothing] : lines).join("\n")}\n`, errors };
  },
});

/**
 * The work that was done: a line for each network, none where no pod is attached; and the reasons for the
 * rest.
 */
export interface Restored {
  lines: string[];
  errors: CniError[];
}

/**
 * Puts back all packet rules that recorded attachments of this host have lost. Throws CniError when it cannot
 * even begin.
 */
export function restoreAll(): Restored {
  needRoot("change packet rules", "restore");
  using node = Node.open();
  const { settings, shared, networks, errors } = restoreRules(node);
  const lines = [...networks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, network]) =>
        `${name}: ${counted(network.attachments, "attachment")}, ${done(network.rules, network.failed.size)}`,
    );
  if (shared > 0) lines.unshift(`all networks: ${done(shared, 0)}`);
  lines.unshift(...settings.map((setting) => `node: ${setting}`));
  return { lines, errors };
}

function done(rules: number, failed: number): string {
  const texts = [
    ...(rules > 0 ? [`${counted(rules, "rule")} put back`] : []),
    ...(failed > 0 ? [`${counted(failed, "attachment")} failed`] : []),
  ];
  return texts.join(", ") || "nothing to do";
}
