import { describe, expect, test } from "vitest";
import { parseEnvironment, podOf, type Verb } from "../../../src/cni/environment.ts";
import { failureOf } from "./failure.ts";

const FULL = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/var/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "",
  CNI_PATH: "/opt/cni/bin",
};

/** What the environment of `verb` with some values changed leads to. */
const fail = (verb: string, changes: Record<string, string | undefined>) =>
  failureOf(() => parseEnvironment({ CNI_COMMAND: verb, ...FULL, ...changes }));

describe("required variables", () => {
  const required: [Verb, string[]][] = [
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]],
    ["GC", ["CNI_PATH"]],
    ["STATUS", ["CNI_PATH"]],
    ["VERSION", []],
  ];

  test.each(required)("%s needs %j and nothing else", (verb, names) => {
    const only = Object.fromEntries(Object.entries(FULL).filter(([name]) => names.includes(name)));
    expect(parseEnvironment({ CNI_COMMAND: verb, ...only }).verb).toBe(verb);
    for (const name of names) {
      const error = { code: 4, msg: `required env variables [${name}] missing`, details: "" };
      expect(fail(verb, { [name]: undefined })).toEqual(error);
      expect(fail(verb, { [name]: "" })).toEqual(error);
    }
  });

  test.each(required.filter(([, names]) => names.length > 0))(
    "%s names all that are missing at once",
    (verb, names) => {
      expect(failureOf(() => parseEnvironment({ CNI_COMMAND: verb })).msg).toBe(
        `required env variables [${names.join(",")}] missing`,
      );
    },
  );

  test("a wrong value is reported before missing ones", () => {
    expect(failureOf(() => parseEnvironment({ CNI_COMMAND: "ADD", CNI_CONTAINERID: "a b" })).msg).toBe(
      "invalid characters in containerID",
    );
    expect(failureOf(() => parseEnvironment({ CNI_COMMAND: "ADD", CNI_IFNAME: ".." })).msg).toBe(
      "interface name is . or ..",
    );
  });

  test.each(["GC", "STATUS", "VERSION"])(
    "%s does not look at the attachment, and does not pass it on",
    (verb) => {
      const environment = parseEnvironment({
        CNI_COMMAND: verb,
        ...FULL,
        CNI_CONTAINERID: "../x",
        CNI_IFNAME: "a/b",
        CNI_ARGS: "IP=1.2.3.4",
      });
      expect(environment).toMatchObject({ containerId: "", interfaceName: "", namespacePath: "" });
      expect(environment.args.size).toBe(0);
    },
  );
});

test.each(["add", "Add", "LIST", "ADD ", "__proto__", "constructor"])(
  "the unknown verb %j is refused before anything else",
  (verb) => {
    expect(failureOf(() => parseEnvironment({ CNI_COMMAND: verb }))).toMatchObject({
      code: 4,
      msg: `unknown CNI_COMMAND: ${verb}`,
    });
  },
);

describe("container id", () => {
  test.each(["a", "0", "A-b_c.d", "a".repeat(5000)])("%j is accepted", (id) => {
    expect(parseEnvironment({ CNI_COMMAND: "ADD", ...FULL, CNI_CONTAINERID: id }).containerId).toBe(id);
  });

  test.each(["-a", ".a", "_a", "..", "a/b", "a b", "a\n", "é", "a\0", "a;b"])("%j is refused", (id) => {
    for (const verb of ["ADD", "CHECK", "DEL"]) {
      expect(fail(verb, { CNI_CONTAINERID: id })).toEqual({
        code: 4,
        msg: "invalid characters in containerID",
        details: id,
      });
    }
  });
});

describe("interface name", () => {
  test.each(["eth0", "...", "eth0%", "a".repeat(15), `é${"a".repeat(12)}`, "\ufeffx", "net1.100"])(
    "%j is accepted",
    (name) => {
      expect(parseEnvironment({ CNI_COMMAND: "DEL", ...FULL, CNI_IFNAME: name }).interfaceName).toBe(name);
    },
  );

  test.each(["a".repeat(16), "é".repeat(8)])("%j has more than 15 bytes", (name) => {
    const error = fail("ADD", { CNI_IFNAME: name });
    expect(error).toMatchObject({ code: 4, msg: "interface name is too long" });
    expect(error.details).toMatch(/^interface name should be less than 16 characters.*CNI_IFNAME/);
  });

  test.each([".", ".."])("%j is refused", (name) => {
    expect(fail("CHECK", { CNI_IFNAME: name })).toMatchObject({ code: 4, msg: "interface name is . or .." });
  });

  test.each([
    "a/b",
    "a:b",
    "a b",
    "a\t",
    "a\n",
    "a\v",
    "a\f",
    "a\r",
    "a\u0085",
    "a\u00a0",
    "a\u1680",
    "a\u2003",
    "a\u2028",
    "a\u202f",
    "a\u205f",
    "a\u3000",
  ])("%j has characters that are not allowed, and the variable is named", (name) => {
    const error = fail("DEL", { CNI_IFNAME: name });
    expect(error).toMatchObject({ code: 4, msg: "interface name contains / or : or whitespace characters" });
    expect(error.details).toContain("CNI_IFNAME");
  });
});

describe("CNI_ARGS is read without errors", () => {
  test.each<[string, [string, string][]]>([
    ["", []],
    [
      "K8S_POD_NAME=web;IgnoreUnknown=1",
      [
        ["K8S_POD_NAME", "web"],
        ["IgnoreUnknown", "1"],
      ],
    ],
    [
      ";A=1;;B=;",
      [
        ["A", "1"],
        ["B", ""],
      ],
    ],
    ["A=b=c", [["A", "b=c"]]],
    ["A;=x;B=1", [["B", "1"]]],
    ["A=1;A=2", [["A", "2"]]],
    [
      "__proto__=1;constructor=2",
      [
        ["__proto__", "1"],
        ["constructor", "2"],
      ],
    ],
  ])("%j", (text, pairs) => {
    expect([...parseEnvironment({ CNI_COMMAND: "ADD", ...FULL, CNI_ARGS: text }).args]).toEqual(pairs);
  });

  test("the pod's name comes out of it", () => {
    expect(
      podOf(
        new Map([
          ["K8S_POD_NAMESPACE", "default"],
          ["K8S_POD_NAME", "web"],
        ]),
      ),
    ).toBe("default/web");
    expect(podOf(new Map([["K8S_POD_NAME", "web"]]))).toBe("web");
    expect(podOf(new Map([["K8S_POD_NAMESPACE", "default"]]))).toBeUndefined();
  });
});

test("CNI_PATH is a list whose empty elements do not count", () => {
  expect(parseEnvironment({ CNI_COMMAND: "GC", CNI_PATH: "/a::/b:" }).pluginPath).toEqual(["/a", "/b"]);
});

test.each<[string | undefined, boolean]>([
  ["1", true],
  ["true", true],
  ["TRUE", true],
  ["yes", false],
  ["0", false],
  ["", false],
  [undefined, false],
  ["1 ", false],
])("CNI_NETNS_OVERRIDE %j: own namespace allowed is %j", (value, allowed) => {
  expect(parseEnvironment({ CNI_COMMAND: "ADD", ...FULL, CNI_NETNS_OVERRIDE: value }).allowOwnNamespace).toBe(
    allowed,
  );
});
