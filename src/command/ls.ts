// `pontoon ls`: the attachments of the node, and which end of a veth pair belongs to which namespace.

import { quote } from "../cni/problems.ts";
import { Node } from "../host/node.ts";
import { CONFIGURATIONS } from "../survey/folder.ts";
import { takeSurvey } from "../survey/survey.ts";
import { epochMs } from "../sys/clock.ts";
import { type Cell, type Column, tableOf } from "../terminal/table.ts";
import { PLAIN, shown, styled, type Terminal } from "../terminal/terminal.ts";
import { JSON_OPTION } from "./arguments.ts";
import { type Answer, defineCommand } from "./command.ts";
import { filterRows } from "./ls/filter.ts";
import { listNetworks } from "./ls/networks.ts";
import { type Row, type RowState, rowsOf } from "./ls/row.ts";
import { SORT_KEYS, sortRows, summaryOf } from "./ls/sort.ts";
import { Misuse } from "./misuse.ts";
import { ageText, bytesText, needRoot } from "./text.ts";

const OPTIONS = {
  output: {
    letter: "o",
    value: "FORM",
    choices: ["wide", "json"],
    meaning: "wide: all columns, nothing cut",
  },
  sort: {
    value: "KEY",
    choices: SORT_KEYS,
    meaning: "age, address or traffic: youngest, smallest, most first",
  },
  watch: { letter: "w", meaning: "again every two seconds, until Ctrl-C" },
  "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
  ...JSON_OPTION,
} as const;

const WATCH_MS = 2000;

export const ls = defineCommand({
  name: "ls",
  subject: "look",
  words: "[WORD | networks]",
  summary: "lists pods with addresses, interfaces, ports and state",
  page: `Lists the attachments of this node, one line each, and every other veth pair:
which end belongs to which container or namespace, whoever made it. A word
shows only what it names: a pod, container, network, address, interface, host
port or state. "networks" lists the networks. Needs root; changes nothing.
`,
  options: OPTIONS,
  examples: [
    ["ls", "everything"],
    ["ls 10.222.0.7", "whose address is it?"],
    ["ls 8080", "whose host port is it?"],
    ["ls veth3f2a91", "whose interface is it?"],
    ["ls drift", "what is not as it was made?"],
    ["ls --sort traffic", "who sends and receives the most?"],
    ["ls networks", "subnets, addresses used and free"],
  ],
  more: `STATE is "ok" when the node's side is as the pod's ADD left it, "drift" when
something differs (the lines below the table say what; "pontoon doctor" says
how to mend it), "starting" while an ADD runs, "dead" when the pod's namespace
is gone and no DEL came ("pontoon clean" takes it down), "stray" for a lease or
interface of Pontoon that no record knows, "foreign" for a pair of another
program. A narrow terminal gets fewer columns.
`,
  statuses: `0, or 1 when nothing has that name, or something could not be read,
or 2 when the command line is wrong.
`,
  completes: ["networks", "ok", "drift", "starting", "dead", "stray", "foreign"],
  run({ options, words }, { terminal }): Answer {
    const [word, ...more] = words;
    if (more.length > 0 || word === "") throw new Misuse("name one pod, network, address, interface or port");
    needRoot("look at all of the node's network", "ls");
    const again = options.watch ? { again: WATCH_MS } : {};
    const place = options.output === "wide" ? { ...PLAIN, hasColours: terminal.hasColours } : terminal;
    using node = Node.open();
    if (word === "networks")
      return { ...listNetworks(node, options["conf-dir"] ?? CONFIGURATIONS, place), ...again };
    const isWide = options.output !== undefined || options.json === true;
    const survey = takeSurvey(node, { withProcesses: isWide });
    const all = rowsOf(survey);
    const rows = sortRows(word === undefined ? all : filterRows(all, word), options.sort);
    const notes = survey.unreadable.map(
      ({ path, reason }) =>
        `${path} is ${reason === "damaged" ? "damaged" : "of a later version"}, and was passed over`,
    );
    if (rows.length === 0) return { ...nothing(word), notes, ...again };
    const text = textOf(rows, { terminal: place, isWide: options.output === "wide" });
    return { text, json: rows, notes, ...again };
  },
});

function nothing(word: string | undefined): Answer {
  if (word === undefined) return { text: "No pods are attached on this node.\n", json: [] };
  return {
    text: `Nothing on this node has the name, address, port or state ${quote(shown(word))}.\n`,
    json: [],
    status: 1,
  };
}

/** A column with the text of a row in it. */
interface RowColumn extends Column {
  isWide?: true;
  cell(row: Row, look: Look): Cell;
}

/** How rows are shown. */
interface Look {
  isWide: boolean;
  /** In milliseconds since 1970. */
  now: number;
}

/** In their order. Those that are dispensable are left out of a narrow terminal, the largest number first. */
const COLUMNS: readonly RowColumn[] = [
  { title: "POD", least: 12, cell: ({ pod }) => pod },
  { title: "CONTAINER", isWide: true, cell: ({ containerId }) => containerId ?? "" },
  { title: "NETWORK", least: 7, dispensable: 2, cell: ({ network }) => network ?? "" },
  { title: "IF", dispensable: 3, cell: (row) => row.interface ?? "" },
  {
    title: "ADDRESS",
    least: 15,
    cell: ({ addresses }, look) =>
      addresses.length === 1 ? withoutLength(addresses[0] ?? "") : listed(addresses.map(withoutLength), look),
  },
  { title: "MAC", isWide: true, cell: ({ mac }) => mac ?? "" },
  { title: "VIA", least: 6, dispensable: 4, cell: ({ via }) => via },
  { title: "HOST IF", dispensable: 1, cell: ({ hostInterface }) => hostInterface ?? "" },
  { title: "PORTS", least: 14, cell: ({ hostPorts }, look) => listed(hostPorts, look) },
  { title: "IN", isRight: true, dispensable: 6, cell: ({ received }) => amount(received) },
  { title: "OUT", isRight: true, dispensable: 5, cell: ({ sent }) => amount(sent) },
  {
    title: "AGE",
    isRight: true,
    cell: ({ since }, { now }) => (since === undefined ? "" : ageText(now - since)),
  },
  {
    title: "PROCESS",
    isWide: true,
    cell: ({ process }) => (process ? `${process.name}[${process.pid}]` : ""),
  },
  { title: "NAMESPACE", isWide: true, cell: ({ namespace }) => namespace ?? "" },
  { title: "STATE", cell: ({ state }) => STATES[state] },
];

const STATES: { readonly [Each in RowState]: Cell } = {
  ok: { text: "ok", style: "green" },
  starting: { text: "starting", style: "yellow" },
  drift: { text: "drift", style: "red" },
  dead: { text: "dead", style: "red" },
  stray: { text: "stray", style: "yellow" },
  foreign: { text: "foreign", style: "faint" },
};

function textOf(rows: readonly Row[], { terminal, isWide }: { terminal: Terminal; isWide: boolean }): string {
  const columns = COLUMNS.filter((column) => isWide || column.isWide === undefined);
  const look = { isWide, now: epochMs() };
  const table = tableOf(
    columns,
    rows.map((row) => cellsOf(row, columns, look)),
    terminal,
  );
  const problems = problemLines(rows, terminal);
  const text = problems.length === 0 ? table : `${table}\n${problems.join("")}`;
  // A pipe gets rows alone.
  return Number.isFinite(terminal.columns) ? `${text}\n${summaryOf(rows)}.\n` : text;
}

function cellsOf(row: Row, columns: readonly RowColumn[], look: Look): Cell[] {
  const cells: Cell[] = [];
  for (const column of columns) cells.push(column.cell(row, look));
  return cells;
}

/** A line for each sentence, with the pods that it is about. */
function problemLines(rows: readonly Row[], terminal: Terminal): string[] {
  const podsOf = new Map<string, string[]>();
  for (const { pod, problems } of rows)
    for (const sentence of problems) podsOf.set(sentence, [...(podsOf.get(sentence) ?? []), pod]);
  return [...podsOf].map(([sentence, pods]) => {
    const subject =
      pods.length <= 3 ? pods.join(", ") : `${pods.slice(0, 2).join(", ")} and ${pods.length - 2} more`;
    return `${styled(shown(subject), "bold", terminal)}: ${shown(sentence)}.\n`;
  });
}

/** The most of a pod's addresses or ports that are listed, where not all were asked for. */
const MOST_LISTED = 4;

function listed(texts: readonly string[], { isWide }: Look): string {
  if (texts.length === 1) return texts[0] ?? "";
  if (isWide || texts.length <= MOST_LISTED) return texts.join(",");
  return `${texts.slice(0, MOST_LISTED - 1).join(",")} +${texts.length - MOST_LISTED + 1}`;
}

function withoutLength(prefix: string): string {
  const slash = prefix.indexOf("/");
  return slash < 0 ? prefix : prefix.slice(0, slash);
}

function amount(bytes: number | undefined): string {
  return bytes === undefined ? "" : bytesText(bytes);
}
