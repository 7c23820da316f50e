// `pontoon explain`: what the pages of the sources say about an error, a finding of the doctor or a key, on a
// node without sources.
import { CniError } from "../cni/error.ts";
import { quote } from "../cni/problems.ts";
import { tableOf } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { JSON_OPTION } from "./arguments.ts";
import { type Answer, defineCommand } from "./command.ts";
import { findTopics, similarTopic, topicsIn } from "./explain/find.ts";
import { pages } from "./explain/page.ts";
import { jsonOf, linesOf, type Topic } from "./explain/topic.ts";
import { Misuse } from "./misuse.ts";

export const explain = defineCommand({
  name: "explain",
  subject: "help",
  words: "[CODE|KEY|-]",
  summary: "says what an error, a finding or a key means",
  page: `Explains an error by its code or words of its title, a finding of the doctor, a
code of "pontoon node" or of the agent's log by its code, or a key of the
configuration by its name or path, as the pages errors.md, doctor.md, node.md,
kubernetes.md and configuration.md in docs of the sources do. With - it reads a
message on stdin, as a JSON error or a line of a log, and explains the codes and
keys in it. Without a word it lists all codes of errors.
`,
  options: JSON_OPTION,
  examples: [
    ["explain 111", "an error that a runtime has shown"],
    ["explain lostLease", "a finding of the doctor"],
    ["explain refused-no-uplink", "a code of the agent's log"],
    ["explain ipam.ranges", "a key"],
    ["explain portMappings", "a capability"],
    ["explain - < message", "what is in a message"],
  ],
  run({ words }, { readStdin, terminal }): Answer {
    if (words.length === 0) return listOfCodes(terminal);
    if (words.length === 1 && words[0] === "-") return inMessage(readStdin(), terminal);
    const word = words.join(" ").trim();
    const topics = findTopics(word);
    if (topics.length === 0) throw unknown(word);
    return answerOf(topics, terminal);
  },
});

function listOfCodes(terminal: Terminal): Answer {
  const { errors } = pages();
  const columns = [
    { title: "CODE", isRight: true },
    { title: "TITLE", least: 20 },
  ];
  const rows = errors.map(({ code, title }) => [String(code), title]);
  return {
    text: tableOf(columns, rows, terminal),
    json: errors.map((row) => jsonOf({ kind: "error", row })),
  };
}

function inMessage(message: string, terminal: Terminal): Answer {
  const topics = topicsIn(message);
  if (topics.length > 0) return answerOf(topics, terminal);
  const error = new CniError("invalidConfig", {
    message: "the message has no code, no title and no key of Pontoon's",
    hint: 'See all codes with "pontoon explain"',
  });
  return { text: "", json: [], errors: [error] };
}

function answerOf(topics: readonly Topic[], terminal: Terminal): Answer {
  return {
    text: topics.map((topic) => linesOf(topic, terminal)).join("\n"),
    json: topics.map(jsonOf),
  };
}

function unknown(word: string): Misuse {
  const meant = similarTopic(word);
  return new Misuse(
    `there is no code and no key ${quote(word)}${meant === undefined ? "" : `; did you mean "${meant}"?`}`,
  );
}
