// Small changes of src/script and src/ruleset.
import type { Mutation } from "./mutation.ts";

const SAME = "a script makes what an ADD makes, and takes away what a DEL takes away";

export const SCRIPT: readonly Mutation[] = [
  {
    name: "a name from a configuration is a command in a script",
    file: "src/script/shell.ts",
    find: "return /^[\\w.,:/@%+=-]+$/.test(text) ? text :",
    replace: "return text !== '' ? text :",
    test: "test/plugin/script.test.ts",
    promise: "a hostile name never runs a command: it is quoted, or refused with a reason",
  },
  {
    name: "a line end in a path ends a script's comment",
    file: "src/script/shell.ts",
    find: 'text.replaceAll(/[^ -~]/gu, "?")',
    replace: "text",
    test: "test/plugin/script.test.ts",
    promise: "a hostile path stays in its comment",
  },
  {
    name: "a script's pod does not announce its addresses",
    file: "src/script/kind/pod.ts",
    find: "inPod(sysctl(`ipv4/conf/${name}/arp_notify`, 1), scene),",
    replace: "",
    test: "test/plugin/script.test.ts",
    promise: `10-pontoon.conflist: ${SAME}`,
  },
  {
    name: "a script keeps what a network shares when its first pod goes",
    file: "src/script/kind/rules.ts",
    find: "if (bridge !== undefined) return",
    replace: 'if (bridge === "") return',
    test: "test/plugin/script.test.ts",
    promise: "two pods by hand: the second one changes nothing of what it shares",
  },
  {
    name: "the mark of a host port has another name in the text than in the messages",
    file: "src/nft/nat-expression.ts",
    find: "`meta mark set meta mark | ${markText(1 << bit)}`",
    replace: "`meta mark set meta mark | ${markText(bit)}`",
    test: "test/kernel/table-text.test.ts",
    promise: "nft makes of the text what the messages make",
  },
  {
    name: "a policy that isolates lets the pods of the network reach each other",
    file: "src/ruleset/ingress.ts",
    find: 'isolated: ["networks", "apart"],',
    replace: 'isolated: ["networks", "together"],',
    test: "test/plugin/ingress-policy.test.ts",
    promise: "isolated",
  },
];
