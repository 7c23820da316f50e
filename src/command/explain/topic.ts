// The topics of `pontoon explain`, and how a person and a program read them.
import { placeBelow } from "../../cni/keys.ts";
import { styled, type Terminal } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";
import {
  type ErrorRow,
  type FindingRow,
  type KeyRow,
  pages,
  type ReportRow,
  type RequestRow,
} from "./page.ts";

/** A row of the pages. */
export type Topic =
  | { kind: "error"; row: ErrorRow }
  | { kind: "finding"; row: FindingRow }
  | { kind: "report"; row: ReportRow }
  | { kind: "key"; row: KeyRow }
  | { kind: "request"; row: RequestRow };

/** The full paths of the keys of a row. */
export function pathsOf({ names, within }: KeyRow): string[] {
  return names.map((name) => placeBelow(within, name));
}

/** A topic for a person: a title, paragraphs with their names, and the page that has more. */
interface Text {
  title: string;
  paragraphs: [name: string, text: string][];
  source: string;
}

function textOf(topic: Topic): Text {
  switch (topic.kind) {
    case "error": {
      const { code, title, when, helps } = topic.row;
      return {
        title: `error ${code}: ${title}`,
        paragraphs: [
          ["When", when],
          ["What helps", helps],
        ],
        source: "docs/errors.md of the sources",
      };
    }
    case "finding":
      return findingText(topic.row);
    case "report":
      return reportText(topic.row);
    case "key": {
      const { row } = topic;
      return {
        title: `key ${pathsOf(row).join(", ")}`,
        paragraphs: [
          ["Effect", row.effect],
          ["Type", row.type],
          ["Default", row.standard],
          ["Its keys", keysBelow(row).join(", ")],
        ],
        source: `docs/configuration.md of the sources, "${row.section}"`,
      };
    }
    case "request": {
      const { asked, capability, value, configuration, args, section } = topic.row;
      return {
        title: capability === "" ? `request for ${asked}` : `capability ${capability}: ${asked} for one pod`,
        paragraphs: [
          ["In an entry of plugins", capability === "" ? "" : `"capabilities": { "${capability}": true }`],
          ["What the runtime then sends", capability === "" ? "" : `runtimeConfig.${capability}: ${value}`],
          ["In the configuration", configuration],
          ["In CNI_ARGS", args],
        ],
        source: `docs/configuration.md of the sources, "${section}"`,
      };
    }
  }
}

function findingText({ codes, examination, meaning, helps }: FindingRow): Text {
  return {
    title: `finding ${codes.join(", ")}`,
    paragraphs: [
      ["Meaning", meaning],
      ["What helps", helps],
      ["Examination", examination],
    ],
    source: "docs/doctor.md of the sources",
  };
}

function reportText({ codes, meaning, page, section }: ReportRow): Text {
  const whose = page === "node.md" ? "pontoon node" : "the agent's log";
  return {
    title: `code ${codes.join(", ")} of ${whose}`,
    paragraphs: [["Meaning", meaning]],
    source: `docs/${page} of the sources, "${section}"`,
  };
}

/** The keys of the object or of the list of objects that a key has as its value. */
function keysBelow(row: KeyRow): string[] {
  const paths = pathsOf(row);
  return pages().keys.flatMap(({ names, within }) => (paths.includes(within) ? names : []));
}

const MARGIN = "  ";

/** The topic as whole lines, no wider than the terminal. */
export function linesOf(topic: Topic, terminal: Terminal): string {
  const { title, paragraphs, source } = textOf(topic);
  const told = paragraphs.filter(([, text]) => text !== "");
  return [
    ...wrapped(title, terminal.columns).map((line) => styled(line, "bold", terminal)),
    ...told.flatMap(([name, text]) => wrapped(`${name}: ${text}`, terminal.columns, MARGIN)),
    ...wrapped(`More: ${source}`, terminal.columns, MARGIN).map((line) => styled(line, "faint", terminal)),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** The topic as a program reads it. */
export function jsonOf(topic: Topic): object {
  if (topic.kind === "key") {
    const { type, standard, effect, section } = topic.row;
    return { kind: "key", keys: pathsOf(topic.row), type, default: standard, effect, section };
  }
  return { kind: topic.kind, ...topic.row };
}
