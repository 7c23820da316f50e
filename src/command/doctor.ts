// `pontoon doctor`: what is wrong on this node, how that was seen, and the command that mends it.

import type { CniError } from "../cni/error.ts";
import { quote } from "../cni/problems.ts";
import type { Folders } from "../doctor/context.ts";
import { type Diagnosis, diagnose, trace } from "../doctor/doctor.ts";
import { probeWay } from "../doctor/trace/probe.ts";
import { asCniError } from "../failure/failure.ts";
import { Node } from "../host/node.ts";
import { restoreRules } from "../host/restore.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { shown, type Terminal } from "../terminal/terminal.ts";
import { JSON_OPTION } from "./arguments.ts";
import { type Answer, defineCommand } from "./command.ts";
import { jsonOf, textOf } from "./doctor/report.ts";
import { probeText, traceJson, traceText } from "./doctor/way.ts";
import { Misuse } from "./misuse.ts";
import { counted, needRoot } from "./text.ts";

const OPTIONS = {
  trace: { meaning: "follow the way FROM TO, hop by hop, to the first fault" },
  probe: { meaning: "with --trace: send one packet from the pod and follow it" },
  repair: { meaning: "mend what is Pontoon's and safe to mend, and say so" },
  verbose: { letter: "v", meaning: "say what is right, too" },
  "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
  "bin-dir": { value: "DIR", meaning: "where plugins are  (/opt/cni/bin)" },
  ...JSON_OPTION,
} as const;

/** The exit status when the doctor could not look. */
const BLIND = 2;

export const doctor = defineCommand({
  name: "doctor",
  subject: "look",
  words: "[WORD | FROM TO]",
  summary: "finds what is wrong, and says how to mend it",
  page: `Compares what is there with what should be, from the network configuration to
the pod, and looks for what others do to packets: firewalls, other interfaces,
routes. Prints for each fault one sentence, how it was seen, and the command
that mends it. A word looks at one pod, network, address or host port alone,
and says what is right, too. Needs root; changes nothing without --repair.
`,
  options: OPTIONS,
  examples: [
    ["doctor", "everything"],
    ["doctor default/web-0", "one pod"],
    ["doctor 8080", "a host port, and who listens behind it"],
    ["doctor --trace web outside", "why does a pod not reach the world?"],
    ["doctor --trace outside :8080", "why does nobody reach a host port?"],
    ["doctor --trace web default/db:5432", "from one pod to a port of another"],
    ["doctor --trace web db:5432 --probe", "and follow a packet through the rules"],
    ["doctor --repair", "mend what restore mends, then look again"],
  ],
  more: `FROM and TO are pods, addresses or "outside", for any host far away. TO may
have a port (web:80, 10.1.0.2:53/udp), or be a host port (:8080).

--probe sends a TCP SYN or UDP datagram to the port, or an echo request without
one, and shows the rules of nftables that it meets, by a table of its own that
the kernel removes with the command.

--repair puts back packet rules, forwarding, gateway addresses, bridges and
ports that are down, and ports on their bridge with their settings, as
"pontoon restore" does. It touches nothing that is not Pontoon's.
`,
  statuses: `0 when all is well (notes are no fault), 1 when something is wrong,
2 when it could not look or the command line is wrong.
`,
  failureStatus: BLIND,
  run({ options, words }, { terminal }): Answer {
    const [word, to, ...more] = words;
    const isTrace = options.trace === true;
    if (isTrace && (word === undefined || to === undefined || more.length > 0))
      throw new Misuse('--trace needs two ends, as in "pontoon doctor --trace web outside"');
    if (!isTrace && to !== undefined) throw new Misuse("name one pod, network, address or host port");
    if (!isTrace && options.probe === true) throw new Misuse("--probe goes with --trace");
    if (isTrace && options.repair === true) throw new Misuse("--trace looks only; --repair goes without it");
    needRoot("look at all of the node's network", "doctor");
    const folders: Folders = {
      configurations: options["conf-dir"] ?? CONFIGURATIONS,
      executables: options["bin-dir"] ?? EXECUTABLES,
    };
    using node = Node.open();
    const ends = [word ?? "", to ?? ""] as const;
    if (isTrace) return traced(ends, { node, folders, terminal, isProbed: options.probe === true });
    const before = diagnose(node, folders, word);
    if (before === undefined) return nothingMeant(word ?? "");
    if (options.repair === undefined)
      return answerOf(before, { word, isVerbose: options.verbose === true, terminal });
    const { done, errors } = repair(before, node);
    const after = diagnose(node, folders, word) ?? before;
    const answer = answerOf(after, { word, isVerbose: options.verbose === true, terminal, done });
    return { ...answer, errors: [...(answer.errors ?? []), ...errors] };
  },
});

/** How a way is looked at. */
interface Tracing {
  node: Node;
  folders: Folders;
  terminal: Terminal;
  isProbed: boolean;
}

/** The way between two ends; words that mean none are a way that cannot be looked at. */
function traced(ends: readonly [string, string], { node, folders, terminal, isProbed }: Tracing): Answer {
  try {
    const way = trace(node, folders, ends);
    const probed = isProbed ? probeWay(way, node) : undefined;
    const isBroken = way.hops.some(({ fault }) => fault !== undefined) || probed?.answer === "nothing";
    return {
      text: traceText(way, terminal) + (probed === undefined ? "" : probeText(probed, terminal)),
      json: traceJson(way, probed),
      status: isBroken ? 1 : 0,
    };
  } catch (error) {
    return { text: "", errors: [asCniError(error)], status: BLIND };
  }
}

/** How an answer is to be. */
interface Wish {
  word: string | undefined;
  isVerbose: boolean;
  terminal: Terminal;
  /** A sentence for each repair; undefined where none was asked for. */
  done?: string[];
}

function nothingMeant(word: string): Answer {
  return {
    text: "",
    notes: [
      `Nothing on this node has the name, address or port ${quote(word)}; "pontoon ls" lists what there is`,
    ],
    status: BLIND,
  };
}

function answerOf(diagnosis: Diagnosis, { word, isVerbose, terminal, done }: Wish): Answer {
  const { findings, blind } = diagnosis;
  const isWrong = findings.some(({ severity }) => severity !== "note");
  return {
    text: textOf(diagnosis, { isVerbose: isVerbose || word !== undefined, done }, terminal),
    json: jsonOf(diagnosis, done),
    errors: blind.map(({ error }) => error),
    status: blind.length > 0 ? BLIND : isWrong ? 1 : 0,
  };
}

/** Mends what a restore mends, where something of it was found. */
function repair({ findings }: Diagnosis, node: Node): { done: string[]; errors: CniError[] } {
  if (!findings.some(({ isRepairable }) => isRepairable === true)) return { done: [], errors: [] };
  const { settings, shared, networks, errors } = restoreRules(node);
  const ofNetworks = [...networks]
    .filter(([, { rules }]) => rules > 0)
    .map(([name, { rules }]) => `network ${shown(name)}: ${counted(rules, "rule")} put back`);
  const ofAll = shared > 0 ? [`all networks: ${counted(shared, "rule")} put back`] : [];
  return { done: [...settings.map(shown), ...ofAll, ...ofNetworks], errors };
}
