// What `pontoon explain` finds for a word and in a message. The rows come from the pages, as in the build.
import { expect, test } from "vitest";
import { errorKinds } from "../../../src/cni/error.ts";
import { NETCONF } from "../../../src/cni/netconf-keys.ts";
import { allTopics, findTopics, similarTopic, topicsIn } from "../../../src/command/explain/find.ts";
import { pages } from "../../../src/command/explain/page.ts";
import { linesOf, pathsOf, type Topic } from "../../../src/command/explain/topic.ts";
import { explain } from "../../../src/command/explain.ts";
import { FINDING_CODES } from "../../../src/doctor/code.ts";
import { PLAIN } from "../../../src/terminal/terminal.ts";
import { keysOf } from "../cni/key-path.ts";

/** A topic in a word: its code, the paths of its keys, or its capability. */
function named(topic: Topic): string {
  if (topic.kind === "error") return String(topic.row.code);
  if (topic.kind === "finding" || topic.kind === "report") return topic.row.codes.join(",");
  return topic.kind === "key" ? pathsOf(topic.row).join(",") : `request:${topic.row.capability}`;
}

test.each(Object.entries(errorKinds))(
  "%s: its row is found by code, kind and title",
  (kind, { code, title }) => {
    for (const word of [String(code), `code ${code}`, title, title.toUpperCase()])
      expect(findTopics(word).map(named), word).toContain(String(code));
    // A word that is a key as well means the key.
    const isKey = keysOf(NETCONF).some((path) => path.split(".").at(-1) === kind);
    expect(findTopics(kind).map(named).includes(String(code))).toBe(!isKey);
  },
);

test.each(pages().keys.flatMap(pathsOf))("%s: its row is found by its path, in any case", (path) => {
  for (const word of [path, path.toLowerCase(), `plugins[0].${path}`])
    expect(
      findTopics(word).flatMap((topic) => named(topic).split(",")),
      word,
    ).toContain(path);
});

test.each(FINDING_CODES)(
  "%s: its row is found by the code, also as the agent's log and Events write it",
  (code) => {
    const kebab = code.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const event = `Finding${code.slice(0, 1).toUpperCase()}${code.slice(1)}`;
    for (const word of [code, kebab, `finding-${kebab}`, event])
      expect(
        findTopics(word).flatMap((topic) => named(topic).split(",")),
        word,
      ).toContain(code);
    for (const message of [`{"code":"${code}"}`, `{"code":"finding-${kebab}"}`, `Warning ${event} node/a`])
      expect(
        topicsIn(message).flatMap((topic) => named(topic).split(",")),
        message,
      ).toContain(code);
  },
);

test("docs/doctor.md has each code of a finding once, and no other", () => {
  const explained = pages().findings.flatMap(({ codes }) => codes);
  expect(explained.toSorted()).toEqual(FINDING_CODES.toSorted());
});

test.each(pages().reports.flatMap(({ codes }) => codes))(
  "%s: its row is found by the code, and in a line that has it",
  (code) => {
    for (const topics of [findTopics(code), topicsIn(`{"level":"warn","code":"${code}"}`)])
      expect(topics.flatMap((topic) => named(topic).split(","))).toContain(code);
  },
);

test("a code of pontoon node is found as the agent writes it, and no code is a row for many", () => {
  for (const word of ["refused-no-uplink", "no-uplink", "noUplink"])
    expect(findTopics(word).map(named), word).toEqual(["noUplink"]);
  expect(findTopics("note-first-conflist").map(named)).toEqual(["firstConflist"]);
  expect(pages().reports.filter(({ codes }) => codes.some((code) => code.includes("CODE")))).toEqual([]);
});

test.each<[string, string[]]>([
  ["ipam.ranges", ["ipam.ranges"]],
  ["plugins[0].ipam.ranges[0][0].subnet", ["ipam.ranges.subnet"]],
  ["rangeStart", ["ipam.subnet,ipam.rangeStart,ipam.rangeEnd,ipam.gateway", "ipam.ranges.rangeStart"]],
  ["iptablesHostPortChains", ["compat.iptablesHostPortChains"]],
  ["compat", ["compat.iptablesHostPortChains"]],
  ["dns", ["request:dns"]],
  ["portMappings", ["request:portMappings"]],
  ["runtimeConfig.portMappings", ["request:portMappings"]],
  ["capabilities.ips", ["request:ips"]],
  ["args.cni.mac", ["request:mac"]],
  ["mac", ["mac", "request:mac"]],
  ["bridge", ["bridge"]],
  ["address left", ["100"]],
  ["GC", ["1", "100", "160"]],
  ["EXFULL", ["120"]],
  ["nothing-like-it", []],
  ["", []],
  ["0", []],
])("%s", (word, topics) => {
  expect(findTopics(word).map(named)).toEqual(topics);
});

test.each([
  ["ipMask", "ipMasq"],
  ["IPMASK", "ipMasq"],
  ["ipam.range", "ipam.ranges"],
  ["portMapping", "portMappings"],
  ["poolExausted", "poolExhausted"],
  ["xyz", undefined],
  ["constructor", undefined],
])("%s: %s is meant", (word, meant) => {
  expect(similarTopic(word)).toBe(meant);
});

const LOG =
  'E1103 kubelet.go:2 "Failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox: plugin type=\\"pontoon\\" failed (add): bridge address cannot be set: \\"cni0\\" already has an IP address different from 10.222.0.1/16; Hint: Remove it, set \\"forceAddress\\": true, or use another bridge"';

test.each<[what: string, message: string, topics: string[]]>([
  [
    "a JSON error",
    '{"cniVersion": "1.0.0", "code": 131, "msg": "host port cannot be used: tcp 8080", "details": "Hint: set \\"allowListening\\": true"}',
    ["131", "allowListening"],
  ],
  ["a JSON error inside a text", '{\\"code\\": 100, \\"msg\\": \\"x\\"}', ["100"]],
  ["a line of kubelet's log", LOG, ["111", "forceAddress"]],
  [
    "a wrong value",
    'invalid network config: mtu 67: must be 0; ipam.ranges[0][0].subnet "x": invalid CIDR address',
    ["7", "mtu", "ipam.ranges.subnet"],
  ],
  ["a misspelt key", 'pontoon: key "ipMask" is not read; did you mean "ipMasq"?', ["ipMasq"]],
  ["no word of ours", "the bridge is down and the device is gone, type of scope: none", []],
  ["nothing", "", []],
])("in %s", (_, message, topics) => {
  expect(topicsIn(message).map(named)).toEqual(topics);
});

test("a message of many megabytes is read soon", () => {
  expect(topicsIn('a.b"c'.repeat(1_000_000))).toEqual([]);
});

test("no topic has marks of Markdown, and each fits a terminal of 80 columns", () => {
  for (const topic of allTopics()) {
    const lines = linesOf(topic, { ...PLAIN, columns: 80 }).split("\n");
    // A word alone may be wider.
    expect(lines.filter((line) => line.length > 80 && /\S\s+\S/.test(line.trim()))).toEqual([]);
    expect(lines.join(" ")).not.toMatch(/`|\]\(|\*\*/);
    expect(lines[0]).not.toBe("");
  }
});

test("without a word all codes are listed with their titles", () => {
  const person = { readStdin: () => "", terminal: PLAIN, confirms: () => undefined, waits: () => false };
  const { text } = explain.run({ options: {}, words: [] }, person);
  expect(text.split("\n").slice(1, -1)).toEqual(
    Object.values(errorKinds).map(({ code, title }) => `${String(code).padStart(4)}  ${title}`),
  );
});
