// The topics that a word, or a message, is about.
import { errorKinds } from "../../cni/error.ts";
import { similarName } from "../../cni/similar.ts";
import { pages } from "./page.ts";
import { pathsOf, type Topic } from "./topic.ts";

/** All topics, in the order of the pages. */
export function allTopics(): Topic[] {
  const { errors, findings, reports, keys, requests } = pages();
  return [
    ...errors.map((row): Topic => ({ kind: "error", row })),
    ...findings.map((row): Topic => ({ kind: "finding", row })),
    ...reports.map((row): Topic => ({ kind: "report", row })),
    ...keys.map((row): Topic => ({ kind: "key", row })),
    ...requests.map((row): Topic => ({ kind: "request", row })),
  ];
}

/** A way to understand a word: the topics that it means so, or none. */
type Reading = (word: string, topics: readonly Topic[]) => Topic[];

/** In this order: the first reading that finds something counts. */
const READINGS: readonly Reading[] = [
  byCode,
  byFinding,
  byKind,
  byPath,
  byName,
  byObject,
  byReport,
  byTitle,
  byMention,
];

/**
 * The topics that a person means by a word: a code of an error, of a finding, of `pontoon node` or of the
 * agent, the name of an error's kind, a key or its path, an object, words of a title, else a word that the
 * explanation of an error has. None where it means nothing.
 */
export function findTopics(word: string): Topic[] {
  const topics = allTopics();
  for (const reading of READINGS) {
    const found = reading(word, topics);
    if (found.length > 0) return found;
  }
  return [];
}

/** The word that a person may have meant by one that means nothing. */
export function similarTopic(word: string): string | undefined {
  const names = allTopics().flatMap((topic) => {
    if (topic.kind === "key") return [...topic.row.names, ...pathsOf(topic.row)];
    if (topic.kind === "error") return [topic.row.title];
    return "codes" in topic.row ? topic.row.codes : topic.row.capability || [];
  });
  const known = [...new Set([...names, ...Object.keys(errorKinds)])];
  const near = similarName(
    word.toLowerCase(),
    known.map((name) => name.toLowerCase()),
  );
  return known.find((name) => name.toLowerCase() === near);
}

function byCode(word: string, topics: readonly Topic[]): Topic[] {
  const code = /^(?:code |error )?(\d+)$/i.exec(word)?.[1];
  return topics.filter(({ kind, row }) => kind === "error" && row.code === Number(code));
}

/**
 * A finding of the doctor by its code, also as the agent writes it: `finding-lost-lease` and
 * `FindingLostLease`. A code of the agent's own that is spelt alike is meant as well.
 */
function byFinding(word: string, topics: readonly Topic[]): Topic[] {
  const code = findingWord(word);
  const found = topics.filter(
    ({ kind, row }) => kind === "finding" && row.codes.some((each) => findingWord(each) === code),
  );
  const alike = topics.filter(({ kind, row }) => kind === "report" && row.codes.includes(word));
  return found.length === 0 ? [] : [...found, ...alike];
}

function findingWord(word: string): string {
  return word
    .replace(/^finding-?/i, "")
    .replaceAll("-", "")
    .toLowerCase();
}

function byKind(word: string, topics: readonly Topic[]): Topic[] {
  const found = Object.entries(errorKinds).find(([kind]) => kind === word);
  // Words such as `bridge` name a kind and a key: the key is what a person sees.
  if (found === undefined || byName(word, topics).length > 0) return [];
  return topics.filter(({ kind, row }) => kind === "error" && row.code === found[1].code);
}

/** The path of a key, also as messages have it: with the place of the entry, and the places in lists. */
function byPath(word: string, topics: readonly Topic[]): Topic[] {
  const path = word
    .replaceAll(/\[\d+\]/g, "")
    .replace(/^plugins\./, "")
    .toLowerCase();
  // A name alone is meant in any object.
  if (!word.includes(".")) return [];
  return topics.filter((topic) => {
    if (topic.kind === "key") return pathsOf(topic.row).some((each) => each.toLowerCase() === path);
    if (topic.kind !== "request") return false;
    const { capability, configuration } = topic.row;
    const own = [`runtimeconfig.${capability}`, `capabilities.${capability}`].map((each) =>
      each.toLowerCase(),
    );
    return (capability !== "" && own.includes(path)) || isFirstWord(path, configuration.toLowerCase());
  });
}

function isFirstWord(word: string, text: string): boolean {
  return word !== "" && (text === word || text.startsWith(`${word}:`));
}

/** A key by its last name alone, in any object, and a capability. */
function byName(word: string, topics: readonly Topic[]): Topic[] {
  const name = word.toLowerCase();
  return topics.filter((topic) => {
    if (topic.kind !== "key" && topic.kind !== "request") return false;
    const names = topic.kind === "key" ? pathsOf(topic.row) : [topic.row.capability];
    return names.some((each) => each.toLowerCase().split(".").at(-1) === name) && name !== "";
  });
}

/** An object with keys of its own, such as `ipam`. */
function byObject(word: string, topics: readonly Topic[]): Topic[] {
  const name = word.toLowerCase();
  return topics.filter((topic) => {
    if (topic.kind === "request") return name === "runtimeconfig" || name === "capabilities";
    return (
      topic.kind === "key" && pathsOf(topic.row).some((path) => path.toLowerCase().startsWith(`${name}.`))
    );
  });
}

/**
 * A code of `pontoon node` or of the agent's log, which writes those of `pontoon node` as `refused-no-uplink`
 * or `note-in-use`.
 */
function byReport(word: string, topics: readonly Topic[]): Topic[] {
  const code = reportWord(word);
  return topics.filter(
    ({ kind, row }) => kind === "report" && row.codes.some((each) => reportWord(each) === code),
  );
}

function reportWord(word: string): string {
  return word
    .replace(/^(?:refused|note)-/i, "")
    .replaceAll("-", "")
    .toLowerCase();
}

function byTitle(word: string, topics: readonly Topic[]): Topic[] {
  const words = word
    .toLowerCase()
    .split(/\s+/)
    .filter((each) => each.length > 1);
  return topics.filter(
    ({ kind, row }) =>
      kind === "error" &&
      words.length > 0 &&
      words.every((each) => row.title.toLowerCase().split(" ").includes(each)),
  );
}

/** Errors whose explanation has the word: a verb of CNI, an error number, a program. */
function byMention(word: string, topics: readonly Topic[]): Topic[] {
  if (word.length < 2) return [];
  return topics.filter(
    ({ kind, row }) => kind === "error" && `${row.when} ${row.helps}`.split(/[^\w-]+/).includes(word),
  );
}

/** Titles, codes and keys in a message stand by these signs; quotes may be escaped, as in a line of a log. */
const CODES = /\\?"code\\?"\s*:\s*(\d+)|\bcode[ =](\d+)/g;
const REPORTS = /\\?"code\\?"\s*:\s*\\?"([\w-]+)/g;
const FINDINGS = /\bfinding-[a-z-]+|\bFinding[A-Z]\w+|\b[a-z]+[A-Z]\w*/g;
const KEYS =
  /(?:\b[a-z]\w*(?:\[\d+\])*(?:\.[a-z]\w*(?:\[\d+\])*)+|\\?"[a-z]\w*\\?"|\b[a-z]\w*(?= \S+: )|\b[a-z]+[A-Z]\w*)/g;

/** The topics in a message: a JSON error, or a line of a runtime's log; in the order of the pages. */
export function topicsIn(message: string): Topic[] {
  const codes = new Set([...message.matchAll(CODES)].map(([, one, other]) => Number(one ?? other)));
  const keys = new Set(
    [...message.matchAll(KEYS)].map(([key]) =>
      key.replaceAll(/[\\"]|\[\d+\]/g, "").replace(/^plugins\./, ""),
    ),
  );
  const findings = new Set([...message.matchAll(FINDINGS)].map(([code]) => findingWord(code)));
  const reports = new Set([...message.matchAll(REPORTS)].map(([, code = ""]) => reportWord(code)));
  const topics = allTopics();
  const titles = titlesIn(message, topics);
  return topics.filter((topic) => {
    if (topic.kind === "error") return codes.has(topic.row.code) || titles.has(topic.row.title);
    if (topic.kind === "finding") return topic.row.codes.some((code) => findings.has(findingWord(code)));
    if (topic.kind === "report") return topic.row.codes.some((code) => reports.has(reportWord(code)));
    if (topic.kind === "key") return pathsOf(topic.row).some((path) => keys.has(path));
    const { capability } = topic.row;
    return capability !== "" && keys.has(`runtimeConfig.${capability}`);
  });
}

/** The titles in a message. A title may hold another one: the longer counts there. */
function titlesIn(message: string, topics: readonly Topic[]): Set<string> {
  const titles = topics.flatMap(({ kind, row }) => (kind === "error" ? row.title : []));
  const found = new Set<string>();
  let rest = message;
  for (const title of titles.sort((a, b) => b.length - a.length)) {
    if (!rest.includes(title)) continue;
    found.add(title);
    rest = rest.replaceAll(title, "");
  }
  return found;
}
