// What the programs of the node say about its network, word for word.

import { wholeEnvironment } from "../sys/environment.ts";
import { SystemError } from "../sys/errno.ts";
import { findProgram } from "../tool/path.ts";
import { runProgram } from "../tool/program.ts";
import type { Entry } from "./tar.ts";

/** The questions about the node, by the names of their files. */
const OF_NODE: Record<string, string> = {
  link: "ip -d -s link show",
  address: "ip address show",
  route4: "ip -4 route show table all",
  route6: "ip -6 route show table all",
  rule: "ip rule show",
  neighbour: "ip neighbour show",
  "bridge-link": "bridge -d link show",
  "bridge-vlan": "bridge vlan show",
  nftables: "nft list ruleset",
  "iptables-nft": "iptables-nft-save",
  "ip6tables-nft": "ip6tables-nft-save",
  "iptables-legacy": "iptables-legacy-save",
  "ip6tables-legacy": "ip6tables-legacy-save",
  qdisc: "tc -s qdisc show",
};

/** The questions about a pod. */
const OF_POD = [
  "ip -d address show",
  "ip -4 route show table all",
  "ip -6 route show table all",
  "ip neighbour show",
];

/** The answers about the node, one file for each question. */
export function askNode(): Entry[] {
  return Object.entries(OF_NODE).map(([name, question]) => ({
    name: `node/${name}.txt`,
    text: answer(question),
  }));
}

/** The answers about the pod whose namespace is at a path, as one text. */
export function askPod(path: string): string {
  return OF_POD.map((question) => answer(question, ["nsenter", `--net=${path}`, "--"])).join("\n");
}

/** The answer of a program, behind the question; a program that is not there or fails says that. */
function answer(question: string, through: readonly string[] = []): string {
  const [name = "", ...args] = [...through, ...question.split(" ")];
  const file = findProgram([name]);
  if (file === undefined) return `$ ${question}\n(there is no ${name} on this node)\n`;
  try {
    const outcome = runProgram({ file, args, env: wholeEnvironment(), stdin: "", isQuiet: true });
    const { stdout, stderr, status, refusal, signal } = outcome;
    const end = status === 0 ? "" : `(ended with ${refusal ?? signal ?? `status ${status}`})\n`;
    return `$ ${question}\n${stdout}${stderr}${end}`;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return `$ ${question}\n(${error.message})\n`;
  }
}
