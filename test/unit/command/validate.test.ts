// The mistakes that people make in a network configuration, each with its place, its sentence and what to do.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { Content } from "../../../src/command/validate/content.ts";
import { type Finding, jsonOf, linesOf } from "../../../src/command/validate/finding.ts";
import { PLAIN } from "../../../src/terminal/terminal.ts";
import { failureOf } from "../cni/failure.ts";

/** A right configuration, line by line: a row replaces one of its lines. */
const RIGHT = `{
  "cniVersion": "1.0.0",
  "cniVersions": ["1.0.0", "1.1.0"],
  "name": "pods",
  "plugins": [
    {
      "type": "pontoon",
      "capabilities": { "portMappings": true },
      "isDefaultGateway": true,
      "ipMasq": true,
      "mtu": 1500,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "10.1.0.0/16" }]]
      }
    }
  ]
}
`;

const findingsOf = (text: string): Finding[] => new Content("pods.conflist", text).findings;

/** The right configuration with `text` in the place of its line `line`. */
function withLine(line: number, text: string): string {
  const lines = RIGHT.split("\n");
  lines[line - 1] = text;
  return lines.join("\n");
}

function told({ severity, place, path, message }: Finding): string {
  return `${place?.line}:${place?.column} ${severity} ${path} | ${message}`;
}

test("a right configuration has no findings", () => {
  expect(findingsOf(RIGHT)).toEqual([]);
});

/** The line, its new text, and what is told: all of it. */
const MISTAKES: [what: string, line: number, text: string, ...told: string[]][] = [
  // Keys that nobody reads.
  [
    "ipMask",
    10,
    '      "ipMask": true,',
    '10:7 error plugins[0].ipMask | key "ipMask" is not read; did you mean "ipMasq"?',
  ],
  [
    "isGatway",
    9,
    '      "isGatway": true,',
    '9:7 error plugins[0].isGatway | key "isGatway" is not read; did you mean "isGateway"?',
  ],
  [
    "isDefaultGatway",
    9,
    '      "isDefaultGatway": true,',
    '9:7 error plugins[0].isDefaultGatway | key "isDefaultGatway" is not read; did you mean "isDefaultGateway"?',
  ],
  [
    "ingresPolicy",
    10,
    '      "ingresPolicy": "open",',
    '10:7 error plugins[0].ingresPolicy | key "ingresPolicy" is not read; did you mean "ingressPolicy"?',
  ],
  [
    "a misspelt capability",
    8,
    '      "capabilities": { "portMapping": true },',
    '8:23 note plugins[0].capabilities | no capability "portMappings": a runtime drops host ports of pods without a word',
    '8:25 error plugins[0].capabilities.portMapping | key "portMapping" in "capabilities" is not read; did you mean "portMappings"?',
  ],
  [
    "a capability that is none",
    8,
    '      "capabilities": { "portMappings": true, "hostPorts": true },',
    '8:47 note plugins[0].capabilities.hostPorts | key "hostPorts" in "capabilities" is not read; there is "portMappings", "bandwidth", "ipRanges", "ips", "mac", "dns", "deviceID"',
  ],
  [
    "a second plugin that does host ports",
    16,
    '    }, { "type": "portmap", "capabilities": { "portMappings": true } }',
    '16:63 note plugins[1].capabilities.portMappings | "pontoon" has the capability "portMappings" too, so both it and "portmap" do that',
  ],
  [
    "capabilites",
    8,
    '      "capabilites": { "portMappings": true },',
    '6:5 note plugins[0].capabilities | no capability "portMappings": a runtime drops host ports of pods without a word',
    '8:7 error plugins[0].capabilites | key "capabilites" is not read; did you mean "capabilities"?',
  ],
  [
    "subnets in ipam",
    14,
    '        "subnets": ["10.1.0.0/16"]',
    '12:7 error plugins[0].ipam.ranges | plugins[0].ipam.ranges: no IP ranges specified; give at least one, as in [[{ "subnet": "10.1.0.0/16" }]]',
    '14:9 error plugins[0].ipam.subnets | key "subnets" in "ipam" is not read; did you mean "subnet"?',
  ],
  [
    "range in ipam",
    14,
    '        "range": [[{ "subnet": "10.1.0.0/16" }]]',
    '12:7 error plugins[0].ipam.ranges | plugins[0].ipam.ranges: no IP ranges specified; give at least one, as in [[{ "subnet": "10.1.0.0/16" }]]',
    '14:9 error plugins[0].ipam.range | key "range" in "ipam" is not read; did you mean "ranges"?',
  ],
  [
    "subnet outside of ipam",
    11,
    '      "subnet": "10.1.0.0/16",',
    '11:7 error plugins[0].subnet | key "subnet" is not read; did you mean "subnet" in "ipam"?',
  ],
  [
    "ranges outside of ipam",
    11,
    '      "ranges": [[{ "subnet": "10.1.0.0/16" }]],',
    '11:7 error plugins[0].ranges | key "ranges" is not read; did you mean "ranges" in "ipam"?',
  ],
  [
    "mtu in ipam",
    13,
    '        "type": "host-local", "mtu": 1500,',
    '13:31 error plugins[0].ipam.mtu | key "mtu" in "ipam" is not read; did you mean "mtu" outside of "ipam"?',
  ],
  [
    "a key of an entry beside plugins",
    4,
    '  "name": "pods", "ipMasq": true,',
    '4:19 error ipMasq | key "ipMasq" is not read; did you mean "ipMasq" in "plugins"?',
  ],
  [
    "a key of the list in other letters",
    4,
    '  "name": "pods", "DisableCheck": true,',
    '4:19 error DisableCheck | key "DisableCheck" is not read; did you mean "disableCheck"?',
  ],
  [
    "a key in a list of ranges",
    14,
    '        "ranges": [[{ "subnet": "10.1.0.0/16", "gatway": "10.1.0.1" }]]',
    '14:48 error plugins[0].ipam.ranges.gatway | key "gatway" in "ipam.ranges" is not read; did you mean "gateway"?',
  ],
  [
    "a key that looks like none",
    11,
    '      "masquerade": true,',
    '11:7 note plugins[0].masquerade | key "masquerade" is not read; there is "ipMasq", "ipMasqBackend", "masqAll", "markMasqBit"',
  ],
  [
    "a key of ipam that looks like none",
    13,
    '        "type": "host-local", "leaseTime": 5,',
    '13:31 note plugins[0].ipam.leaseTime | key "leaseTime" in "ipam" is not read; there is "type", "ranges", "subnet", "rangeStart", "rangeEnd", "gateway", "routes", "dataDir", "resolvConf", "statusWhenFull"',
  ],
  [
    "a key that stands twice",
    11,
    '      "ipMasq": false,',
    "11:7 error plugins[0].ipMasq | plugins[0].ipMasq: stands twice in one object, and the later one counts",
  ],
  // Values.
  [
    "ipam without type",
    13,
    '        "resolvConf": "",',
    '12:7 error plugins[0].ipam.type | plugins[0].ipam.type: is missing beside "ranges"; set it to "host-local", or take "ranges" out for a network without addresses',
  ],
  [
    "hostlocal",
    13,
    '        "type": "hostlocal",',
    '13:17 error plugins[0].ipam.type | plugins[0].ipam.type "hostlocal": did you mean "host-local"?',
  ],
  [
    "pontoom",
    7,
    '      "type": "pontoom",',
    '7:15 error plugins[0].type | plugins[0].type "pontoom": did you mean "pontoon"?',
  ],
  [
    "opne",
    10,
    '      "ingressPolicy": "opne",',
    '10:24 error plugins[0].ingressPolicy | plugins[0].ingressPolicy "opne": unknown ingress policy; it must be "open", "same-bridge" or "isolated"',
  ],
  [
    "true in quotes",
    9,
    '      "isDefaultGateway": "true",',
    '9:27 error plugins[0].isDefaultGateway | plugins[0].isDefaultGateway "true": must be true or false, without quotes',
  ],
  [
    "a number in quotes",
    11,
    '      "mtu": "1500",',
    '11:14 error plugins[0].mtu | plugins[0].mtu "1500": must be a whole number, without quotes',
  ],
  [
    "a number that is too small",
    11,
    '      "mtu": 5,',
    "11:14 error plugins[0].mtu | plugins[0].mtu 5: must be 0 (pontoon decides) or from 68 to 65535; IPv4 needs packets of 68 bytes",
  ],
  [
    "a fraction",
    11,
    '      "mtu": 1.5,',
    "11:14 error plugins[0].mtu | plugins[0].mtu 1.5: must be a whole number",
  ],
  [
    "a name of a bridge that is none",
    11,
    '      "bridge": "a/b",',
    '11:17 error plugins[0].bridge | plugins[0].bridge "a/b": must not contain /, : or white space',
  ],
  [
    "a name that is too long",
    11,
    '      "bridge": "a-very-long-name",',
    '11:17 error plugins[0].bridge | plugins[0].bridge "a-very-long-name": must have 15 bytes at most',
  ],
  [
    "ranges that are too shallow",
    14,
    '        "ranges": [{ "subnet": "10.1.0.0/16" }]',
    '14:20 error plugins[0].ipam.ranges[0] | plugins[0].ipam.ranges[0] (an object): must be a list; ranges are a list of lists, as in [[{ "subnet": "10.1.0.0/16" }]]',
  ],
  [
    "a subnet without a length",
    14,
    '        "ranges": [[{ "subnet": "10.1.0.0" }]]',
    '14:33 error plugins[0].ipam.ranges[0][0].subnet | plugins[0].ipam.ranges[0][0].subnet "10.1.0.0": invalid CIDR address; it must be a network with its prefix length, as in "10.1.0.0/16"',
  ],
  [
    "a subnet with host bits",
    14,
    '        "ranges": [[{ "subnet": "10.1.2.3/16" }]]',
    '14:33 error plugins[0].ipam.ranges[0][0].subnet | plugins[0].ipam.ranges[0][0].subnet "10.1.2.3/16": Network has host bits set. For a subnet mask of length 16 the network address is 10.1.0.0',
  ],
  [
    "a range without a subnet",
    14,
    '        "ranges": [[{ "gateway": "10.1.0.1" }]]',
    '14:21 error plugins[0].ipam.ranges[0][0].subnet | plugins[0].ipam.ranges[0][0].subnet: is missing; it must be a network with its prefix length, as in "10.1.0.0/16"',
  ],
  [
    "a gateway outside of its subnet",
    14,
    '        "ranges": [[{ "subnet": "10.1.0.0/16", "gateway": "10.2.0.1" }]]',
    '14:59 error plugins[0].ipam.ranges[0][0].gateway | plugins[0].ipam.ranges[0][0].gateway "10.2.0.1": not in network 10.1.0.0/16, so the bridge cannot be this gateway of its pods; give an address of the subnet, or set isGateway and isDefaultGateway to false where another router has it',
  ],
  [
    "a sysctl of the node",
    11,
    '      "sysctl": { "kernel.panic": "1" },',
    '11:35 error plugins[0].sysctl["kernel.panic"] | plugins[0].sysctl["kernel.panic"]: invalid net sysctl key: "kernel.panic"; write a setting of the pod\'s network, as in "net.ipv4.conf.IFNAME.forwarding"',
  ],
  [
    "a key in other letters with a wrong value",
    11,
    '      "MTU": 5,',
    "11:14 error plugins[0].mtu | plugins[0].mtu 5: must be 0 (pontoon decides) or from 68 to 65535; IPv4 needs packets of 68 bytes",
  ],
  [
    "a key without a bridge",
    11,
    '      "attach": "ptp", "hairpinMode": true,',
    '11:39 error plugins[0].hairpinMode | plugins[0].hairpinMode true: makes no sense with "attach": "ptp": a pod reaches itself by the node, which needs no setting; take one of the two out',
  ],
  [
    "an unsupported key",
    11,
    '      "externalSetMarkChain": "X",',
    '11:31 error plugins[0].externalSetMarkChain | plugins[0]: unsupported field in network configuration: externalSetMarkChain = "X"',
  ],
  [
    "a capability in quotes",
    8,
    '      "capabilities": { "portMappings": true, "ips": "true" },',
    '8:54 error plugins[0].capabilities.ips | plugins[0].capabilities.ips "true": must be true or false, without quotes',
  ],
  // The list.
  ["no name", 4, "", "1:1 error name | missing network name"],
  [
    "a name with a slash",
    4,
    '  "name": "a/b",',
    "4:11 error name | invalid characters found in network name; a/b",
  ],
  [
    "a number as the name",
    4,
    '  "name": 5,',
    "4:11 error name | error unmarshall network config: json: cannot unmarshal number 5 into name, which is a string",
  ],
  [
    "cniVersion 1.2",
    2,
    '  "cniVersion": "1.2",',
    '2:17 error cniVersion | incompatible CNI versions; config is "1.2", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]; did you mean "1.1.0"?',
  ],
  [
    "cniVersion 1.0",
    2,
    '  "cniVersion": "1.0",',
    '2:17 error cniVersion | incompatible CNI versions; config is "1.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]; did you mean "1.0.0"?',
  ],
  [
    "a number as cniVersion",
    2,
    '  "cniVersion": 1.1,',
    "2:17 error cniVersion | decoding version from network config: json: cannot unmarshal number 1.1 into cniVersion, which is a string",
  ],
  [
    "no version with STATUS",
    3,
    "",
    '2:17 note cniVersion | cniVersion "1.0.0" alone: STATUS and GC came with 1.1.0, so no runtime asks Pontoon for them',
  ],
  [
    "versions that are no list",
    3,
    '  "cniVersions": "1.1.0",',
    '2:17 note cniVersion | cniVersion "1.0.0" alone: STATUS and GC came with 1.1.0, so no runtime asks Pontoon for them',
    '3:18 error cniVersions | cniVersions: must be a list of versions, as in ["1.0.0", "1.1.0"]',
  ],
  [
    "a flag of the list that is none",
    4,
    '  "name": "pods", "disableGC": "yes",',
    '4:32 error disableGC | disableGC "yes": must be true or false',
  ],
  [
    "plugins misspelt",
    5,
    '  "plugin": [',
    "1:1 error  | names no plugin",
    '5:3 error plugin | key "plugin" is not read; did you mean "plugins"?',
  ],
  ["an entry without a type", 7, "", "6:5 error plugins[0] | plugins[0]: names no plugin"],
  // JSON.
  [
    "a trailing comma",
    14,
    '        "ranges": [[{ "subnet": "10.1.0.0/16" }]],',
    "15:7 error  | invalid character '}'",
  ],
  ["single quotes", 10, "      'ipMasq': true,", "10:7 error  | invalid character '''"],
  ["a comment", 10, '      "ipMasq": true, // to the outside', "10:23 error  | invalid character '/'"],
  ["a comment in stars", 10, '      /* "ipMasq": true, */', "10:7 error  | invalid character '/'"],
  ["a comment of a shell", 10, "      # no ipMasq", "10:7 error  | invalid character '#'"],
  ["a missing comma", 10, '      "ipMasq": true', "11:7 error  | invalid character '\"'"],
  ["a missing quote", 4, '  "name: "pods",', "4:11 error  | invalid character 'p'"],
  ["a key without quotes", 11, "      mtu: 1500,", "11:7 error  | invalid character 'm'"],
  ["a text without quotes", 4, '  "name": pods,', "4:11 error  | invalid character 'p'"],
  ["True", 10, '      "ipMasq": True,', "10:17 error  | invalid character 'T'"],
  ["a missing bracket", 17, "", "18:1 error  | invalid character '}'"],
  ["a missing brace at the end", 18, "", "19:1 error  | unexpected end of JSON input"],
  ["one brace too many", 18, "}}", "18:2 error  | invalid character '}'"],
  ["a mark in front of the text", 1, "\ufeff{", "1:1 error  | invalid character U+FEFF"],
  ["a blank of a word processor", 11, '\u00a0     "mtu": 1500,', "11:1 error  | invalid character '\u00a0'"],
  [
    "quotes of a word processor",
    4,
    '  "name": \u201cpods\u201d,',
    "4:11 error  | invalid character '\u201c'",
  ],
  ["an equals sign", 4, '  "name" = "pods",', "4:10 error  | invalid character '='"],
  ["a comma too many", 4, '  "name": "pods",,', "4:18 error  | invalid character ','"],
];

test.each(MISTAKES)("%s", (_, line, text, ...expected) => {
  expect(findingsOf(withLine(line, text)).map(told)).toEqual(expected);
});

/** The hint of each slip in JSON. */
const HINTS: [line: number, text: string, hint: string][] = [
  [
    14,
    '        "ranges": [[{ "subnet": "10.1.0.0/16" }]],',
    "Take out the comma in line 14, column 50: nothing follows it",
  ],
  [10, "      'ipMasq': true,", "Write keys and texts in double quotes, not in single ones"],
  [
    10,
    '      "ipMasq": true, // to the outside',
    'Take the comment out, JSON has none; a key such as "_comment" may hold its words',
  ],
  [10, '      "ipMasq": true', "Write a comma in line 10, column 21, behind what stands there"],
  [11, "      mtu: 1500,", "Write the key in double quotes"],
  [
    4,
    '  "name": pods,',
    "Write the text in double quotes; without them there are true, false, null and numbers",
  ],
  [4, '  "name":,', "Give the key in front of the comma a value"],
  [4, '  "name": "po\nds",', 'Close the text with a double quote (") in its line'],
  [4, '  "name": "po\tds",', "Put a blank in place of the tab in the text, or write it as \\t"],
  [4, '  "name": "po\u0007ds",', "Take U+0007 out of the text"],
  [4, '  "name": "po\\ds",', "Write a backslash in a text as two (\\\\)"],
  [
    11,
    '      "mtu": 01500,',
    "Write the number as JSON does, in plain digits without a zero or a plus sign in front, or put it in double quotes",
  ],
  [10, '      "ipMasq": True,', "Write true, in small letters"],
  [17, "", 'Write a "]" before it, which closes the "[" in line 5, column 14'],
  [18, "", 'Write the missing "}": the "{" in line 1, column 1 is not closed'],
  [4, '  "name: "pods",', 'Close the key in front of the colon with a double quote (")'],
  [18, "}}", 'Take this "}" out: nothing is open any more'],
  [18, "} end", "Take out what stands behind the end of the configuration"],
  [
    1,
    "\ufeff{",
    "Save the file as UTF-8 without a byte order mark (BOM), which stands before its first character",
  ],
  [1, "\0{", "Save the file as UTF-8"],
  [11, '\u00a0     "mtu": 1500,', "Put a plain blank in place of this one, which JSON does not know"],
  [4, '  "name": \u201cpods\u201d,', 'Write keys and texts in plain double quotes (")'],
  [4, '  "name" = "pods",', 'Write ":" in place of "="'],
  [4, '  "name" "pods",', 'Write a ":" between the key and its value'],
  [4, '  "name": "pods";', 'Write "," in place of ";"'],
  [4, '  "name": "pods",,', "Take this comma out: nothing stands in front of it"],
  [3, '  "cniVersions": ["a": 1],', 'Write keys in an object ("{", "}"): a list ("[", "]") has none'],
];

test.each(HINTS)("line %i as %j: what to do", (line, words, hint) => {
  const text = withLine(line, words);
  expect(findingsOf(text)[0]?.hint).toBe(hint);
  // An ADD and an install say the same.
  expect(failureOf(() => parseNetconf(text, "ADD")).details).toBe(`Hint: ${hint}.`);
});

test("all mistakes of a file come at once, sorted by place, also behind slips in its JSON", () => {
  const lines = RIGHT.split("\n");
  lines[1] = "  'cniVersion': \"1.0.0\", # the old one";
  lines[9] = '      "ipMask": true,';
  lines[10] = '      "mtu": 5';
  lines[13] = '        "ranges": [[{ "subnet": "10.1.2.3/16", "gatway": "x" }]],';
  const found = findingsOf(lines.join("\n"));
  expect(found.map(({ place, message }) => [place?.line, place?.column, message.slice(0, 30)])).toEqual([
    [2, 3, "invalid character '''"],
    [2, 26, "invalid character '#'"],
    [10, 7, 'key "ipMask" is not read; did '],
    [11, 14, "plugins[0].mtu 5: must be 0 (p"],
    [12, 7, "invalid character '\"'"],
    [14, 33, "plugins[0].ipam.ranges[0][0].s"],
    [14, 48, 'key "gatway" in "ipam.ranges" '],
    [15, 7, "invalid character '}'"],
  ]);
});

test("an unsupported key beside a wrong value is told as well", () => {
  const found = findingsOf(withLine(11, '"mtu": 5, "externalSetMarkChain": "X",'));
  expect(found.map(({ path }) => path)).toEqual(["plugins[0].mtu", "plugins[0].externalSetMarkChain"]);
});

test("a key that is wrong in several objects of a list is told at each of its places", () => {
  const text = withLine(
    14,
    '"ranges": [[{ "subnet": "10.1.0.0/16", "gatway": 1 }], [{ "subnet": "fd00::/64", "gatway": 1 }]]',
  );
  expect(findingsOf(text).map(({ place }) => place?.column)).toEqual([40, 82]);
});

const ANSWERS = [
  ...readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8").matchAll(
    /^\| `(".*)` \| `(.*)` \|$/gm,
  ),
].map(([, entry = "", answer = ""]) => [entry, answer] as const);

test.each(ANSWERS)("%s: the sentence is that of an ADD", (entry, answer) => {
  const text = `{"cniVersion": "1.1.0", "name": "pods", "type": "pontoon", ${entry}}`;
  expect(findingsOf(text).map(({ message }) => message)).toContain(answer);
});

const FOLDER = fileURLToPath(new URL("../../../cni-conf/", import.meta.url));
const SHIPPED = readdirSync(FOLDER).filter((name) => name.endsWith(".conflist"));

test.each(SHIPPED)("%s has no findings", (name) => {
  expect(findingsOf(readFileSync(FOLDER + name, "utf8"))).toEqual([]);
});

test("keys that others read, and keys that are put out of use, are not told", () => {
  const others = '{ "type": "portmap", "snatt": true, "capabilities": { "portMapping": true } }';
  const text = withLine(16, `    }, ${others}`).replace(
    '"mtu": 1500',
    '"_ipMask": 1, "io.kubernetes.cri.pod": 1, "$schema": "x", "mtu": 1500',
  );
  expect(findingsOf(text)).toEqual([]);
});

test("a configuration of other plugins is told to be none of ours, and nothing in it", () => {
  const text = '{"cniVersion": "1.0.0", "name": "a", "plugins": [{ "type": "bridge", "ipMask": 1 }]}';
  expect(findingsOf(text).map(told)).toEqual([
    '1:1 note  | no plugin in it is "pontoon" ("bridge"), so nobody here reads its entries',
  ]);
});

test.each([
  ["", "there is nothing in it"],
  [" \n", "there is nothing in it"],
  ["[]", "it is no network configuration, which is an object"],
  ['"pods"', "it is no network configuration, which is an object"],
  ['{"name": "a", "plugins": {}}', "plugins: must be a list"],
  ['{"name": "a", "plugins": [5]}', "plugins[0]: must be an object"],
])("%j: %s", (text, message) => {
  expect(findingsOf(text).map((each) => each.message)).toContain(message);
});

test("a hostile file ends soon: it is not looked into, or slips and keys are told up to a limit", () => {
  expect(findingsOf(" ".repeat(200_000)).map(({ message }) => message)).toEqual([
    "is not looked into: it has 200000 characters, and may have 100000",
  ]);
  expect(findingsOf("{".repeat(90_000)).length).toBeLessThan(3);
  expect(findingsOf(`{${'"a": 1,,'.repeat(5_000)}}`)).toHaveLength(20);
  const keys = Array.from({ length: 5_000 }, (_, at) => `"ipMask${at}": 1`).join(",");
  const wide = `{"cniVersion":"1.1.0","name":"a","type":"pontoon",${keys}}`;
  expect(findingsOf(wide).length).toBeLessThanOrEqual(50);
  const entries = Array.from({ length: 1_000 }, () => '{"type":"pontoon","ipMask":1}').join(",");
  expect(findingsOf(`{"cniVersion":"1.1.0","name":"a","plugins":[${entries}]}`)).toHaveLength(1);
  const twice = `{"cniVersion":"1.1.0","name":"a","type":"pontoon"${',"k":{"k":1,"k":2}'.repeat(4_000)}}`;
  expect(findingsOf(twice).length).toBeLessThanOrEqual(500);
});

const printed = (text: string, columns = Number.POSITIVE_INFINITY): string =>
  findingsOf(text)
    .map((finding) => linesOf(finding, { ...PLAIN, columns }))
    .join("");

test("a slip is shown with its line, a caret and what to do", () => {
  expect(printed(withLine(10, "\t'ipMasq': true, "))).toBe(
    `pods.conflist:10:2: error: invalid character '''
     'ipMasq': true,
     ^
    Hint: Write keys and texts in double quotes, not in single ones.
`,
  );
});

test("of a long line the piece around the place is shown", () => {
  const long = withLine(11, `"_a": "${"x".repeat(5_000)}", '_b': 1, "_c": "${"y".repeat(5_000)}",`);
  const [, line = "", caret = ""] = printed(long, 80).split("\n");
  expect(line.length).toBeLessThanOrEqual(80);
  expect(line.charAt(caret.indexOf("^"))).toBe("'");
});

test("lines fit the terminal", () => {
  const lines = printed(withLine(14, '"ranges": [{ "subnet": "10.1.0.0/16" }],'), 80).split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.length).toBeGreaterThan(3);
});

test("no text of a file moves the cursor", () => {
  const odd = "\u001b[2J\u009b\u202e";
  const texts = [
    withLine(11, `      "ipMask${odd}": 1, "mtu${"\u202e"}": 1,`),
    withLine(4, `  "name": "${odd}", '`),
    withLine(7, `      "type": "${"\u202e"}pontoon",`),
  ];
  for (const text of texts) expect(printed(text)).toMatch(/^[\n -~]+$/);
});

test("a program gets every part of a finding under its name", () => {
  const text = withLine(10, '      "ipMask": true, // old');
  expect(findingsOf(text).map(jsonOf)).toEqual([
    {
      file: "pods.conflist",
      line: 10,
      column: 7,
      path: "plugins[0].ipMask",
      severity: "error",
      message: 'key "ipMask" is not read; did you mean "ipMasq"?',
      suggestion: "ipMasq",
    },
    {
      file: "pods.conflist",
      line: 10,
      column: 23,
      path: "",
      severity: "error",
      message: "invalid character '/'",
      suggestion: 'Take the comment out, JSON has none; a key such as "_comment" may hold its words',
    },
  ]);
});
