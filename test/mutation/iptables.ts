// Small changes of src/iptables.
import type { Mutation } from "./mutation.ts";

export const IPTABLES: readonly Mutation[] = [
  {
    name: "rules that lead to a chain with a longer name go too",
    file: "src/iptables/table.ts",
    find: ".filter((jump) => jump.chain === chain)",
    replace: "",
    test: "test/kernel/iptables-table.test.ts",
    promise: "what leads to a chain whose name only begins so stays",
  },
  {
    name: "every interface whose name begins so is let through",
    file: "src/iptables/forward-rule.ts",
    find: "textBytes(`${name}\\0`)",
    replace: "textBytes(name)",
    test: "test/plugin/ingress-policy-life.test.ts",
    promise: "iptables shows a chain for each network, the same for one pod and for two",
  },
  {
    name: "GC takes the chain of the reference plugin",
    file: "src/iptables/host-port-chain.ts",
    find: " && chain !== PREFIX + sha512(network + containerId).slice(0, HASH_DIGITS)",
    replace: "",
    test: "test/unit/iptables/host-port-chain.test.ts",
    promise: "GC knows a network's chains by the comments, and the reference's by their names",
  },
  {
    name: "a jump of the legacy variant is deleted without its group, and stays",
    file: "src/iptables/legacy-table.ts",
    find: "if (sourceGroup !== undefined) words.push(sourceGroupWords(sourceGroup));",
    replace: "",
    test: "test/plugin/ptp-ingress.test.ts",
    promise: "legacy: the last pod takes the rules with it, however its DEL comes, and GC takes what is left",
  },
];
