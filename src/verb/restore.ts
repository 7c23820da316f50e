// `pontoon restore`: for the operator, and for hooks of firewall services that flush the whole ruleset.
import { CniError } from "../cni/error.ts";
import type { Machine } from "../host/machine.ts";
import { restoreRules } from "../host/restore.ts";
import { native } from "../sys/native.ts";

/** What to say: `text` is what was done, one line per network, `errors` why some was not. */
export interface Restored {
  text: string;
  errors: CniError[];
}

/**
 * Puts back all packet rules that recorded attachments of this host have lost. Throws CniError when it cannot
 * even begin.
 */
export function restore(machine: Machine): Restored {
  if (native.geteuid() !== 0) {
    throw new CniError("rules", {
      message: "only root may change packet rules",
      hint: 'Run it as root, as in "sudo pontoon restore"',
    });
  }
  const { shared, networks, errors } = restoreRules(machine);
  const lines = [...networks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, network]) =>
        `${name}: ${counted(network.attachments, "attachment")}, ${done(network.rules, network.failed.size)}`,
    );
  if (shared > 0) lines.unshift(`all networks: ${done(shared, 0)}`);
  if (lines.length === 0) lines.push("nothing to do: no attachments are recorded on this host");
  return { text: `${lines.join("\n")}\n`, errors };
}

function done(rules: number, failed: number): string {
  const texts = [
    ...(rules > 0 ? [`${counted(rules, "rule")} put back`] : []),
    ...(failed > 0 ? [`${counted(failed, "attachment")} failed`] : []),
  ];
  return texts.join(", ") || "nothing to do";
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
