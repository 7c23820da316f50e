// `pontoon node`: what a node has for the pods of a cluster, made so by the whole wish of an agent.

import { applyWish, NOTHING } from "../cluster/apply.ts";
import type { Report } from "../cluster/report.ts";
import { type NodeState, readState } from "../cluster/state.ts";
import { readWish, WrongWish } from "../cluster/wish.ts";
import { CniError } from "../cni/error.ts";
import { Node } from "../host/node.ts";
import { CONFIGURATIONS } from "../survey/folder.ts";
import { shown, type Terminal } from "../terminal/terminal.ts";
import { type Arguments, JSON_OPTION, refuseWords, unknownChoice } from "./arguments.ts";
import { type Answer, defineCommand, type Person } from "./command.ts";
import { Misuse } from "./misuse.ts";
import { stateText } from "./node/state.ts";
import { watchLines } from "./node/watch.ts";
import { counted, needRoot } from "./text.ts";

const OPTIONS = {
  ...JSON_OPTION,
  "dry-run": { meaning: "print what would change, and change nothing" },
  "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
} as const;

const ACTIONS = ["apply", "show", "watch", "remove"];

/** The most problems of a document that are told one by one. */
const MOST_PROBLEMS = 20;

export const node = defineCommand({
  name: "node",
  subject: "set",
  words: "apply|show|watch|remove",
  summary: "makes the node's part of a cluster's network",
  page: `Makes, shows or removes what this node has for the pods of a cluster: routes to
the pods of other nodes, a VXLAN tunnel to those behind a router, masquerading
of what leaves the cluster, forwarding, and the runtime's configuration.

"apply" reads the whole wish as one JSON document from stdin and makes the node
so. What is there already stays, what the wish does not name goes, what is not
Pontoon's is never touched. A part that is refused stops no other.

"watch" prints a line of JSON when something of it was changed by others, and so
should be applied again. It ends with its stdin.
`,
  options: OPTIONS,
  examples: [
    ["node apply < wish.json", "as an agent does at every change"],
    ["node apply --dry-run < wish.json", "what would change"],
    ["node show", "routes, tunnel, masquerading, configuration"],
    ["node watch", "what others change, as it happens"],
  ],
  more: `Needs root. docs/node.md of the sources describes the document.
`,
  statuses: `0 when the node is as wished, 1 when a part was refused or failed
(stderr names it), and 2 for a wrong command line or document; then nothing was
changed.
`,
  completes: ACTIONS,
  run({ words, options }, person) {
    const { readStdin, terminal } = person;
    const [action = "", ...more] = words;
    refuseWords(more);
    if (!ACTIONS.includes(action))
      throw new Misuse(
        action === "" ? `say ${ACTIONS.join(", ")}` : unknownChoice("action of node", action, ACTIONS),
      );
    needRoot("look at and change the node's network", `node ${action}`);
    if (action === "show") return show(options, terminal);
    if (action === "watch") return watch(options, person);
    return apply(options, action === "apply" ? readStdin : undefined);
  },
});

type Options = Arguments<typeof OPTIONS>["options"];

function show(options: Options, terminal: Terminal): Answer {
  if ("dry-run" in options) throw new Misuse("--dry-run is not for show");
  using opened = Node.open();
  const state: NodeState = readState(opened, options["conf-dir"] ?? CONFIGURATIONS);
  return { text: stateText(state, terminal), json: state };
}

function watch(options: Options, person: Person): Answer {
  const [option] = Object.keys(options);
  if (option !== undefined) throw new Misuse(`--${option} is not for watch`);
  return { text: "", more: watchLines(person) };
}

/** Applies the wish of stdin; without one, that of a node that is to have nothing. */
function apply(options: Options, readStdin: (() => string) | undefined): Answer {
  try {
    const wish = readStdin === undefined ? NOTHING : readWish(readStdin());
    const manner = {
      isDryRun: "dry-run" in options,
      confFolder: options["conf-dir"] ?? CONFIGURATIONS,
    };
    using opened = Node.open();
    return answerOf(applyWish(wish, opened, manner));
  } catch (error) {
    if (error instanceof WrongWish) return answerOfWrong(error);
    throw error;
  }
}

function answerOf({ changed, refused, notes, isDryRun }: Report): Answer {
  const verb = (action: string): string => (isDryRun ? `would be ${action}` : action);
  const lines = changed.map(({ what, action }) => `${shown(what)}: ${verb(action)}\n`);
  const nothing = refused.length > 0 ? "" : "nothing to do: the node is as wished\n";
  return {
    text: lines.length === 0 ? nothing : lines.join(""),
    json: { changed, refused, notes, dryRun: isDryRun },
    notes: notes.map(({ text }) => shown(text)),
    errors: refused.map(({ what, reason }) => sentence(`${what}: ${reason}`)),
  };
}

function answerOfWrong({ problems }: WrongWish): Answer {
  const first = problems.slice(0, MOST_PROBLEMS);
  const rest = problems.length - first.length;
  const more = rest === 0 ? [] : [`and ${counted(rest, "problem")} more`];
  return {
    text: "",
    json: { wrong: problems },
    errors: [...first, ...more].map(sentence),
    status: 2,
  };
}

function sentence(text: string): CniError {
  return new CniError("invalidConfig", { message: shown(text) });
}
