// The shape of src: which folder may know which, and a few things that no file does.
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { LATE } from "../../scripts/bundle.mjs";
import { REPOSITORY } from "../support/tool.ts";

/** Every folder, what it may import, and why no more. `main` is src/main.ts. */
const ARROWS: Record<string, { may: string[]; why: string }> = {
  main: {
    may: ["command", "loopback", "verb", "host", "failure", "cni", "terminal", "sys"],
    why: "The whole program on one page says what happens, not how.",
  },
  command: {
    may: [
      "cluster",
      "report",
      "script",
      "doctor",
      "survey",
      "trial",
      "teardown",
      "runtime",
      "picture",
      "host",
      "ipam",
      "record",
      "plan",
      "attachment",
      "failure",
      "cni",
      "ip",
      "terminal",
      "sys",
    ],
    why: "A command for people asks the folders that know; it touches no kernel object itself, and prints nothing.",
  },
  cluster: {
    may: ["host", "failure", "cni", "nft", "net", "netlink", "ip", "sys"],
    why: "The node's part of a cluster's network knows no attachments: it is made of a wish, without records.",
  },
  report: {
    may: ["survey", "cluster", "host", "record", "cni", "tool", "sys"],
    why: "A report is what is on the node as texts; it changes nothing.",
  },
  script: {
    may: ["ruleset", "plan", "attachment", "cni", "iptables", "nft", "ip", "sys"],
    why: "Commands for the shell are a text of the steps; who prints them has looked at the node.",
  },
  doctor: {
    may: [
      "cluster",
      "survey",
      "host",
      "ipam",
      "look",
      "record",
      "plan",
      "attachment",
      "failure",
      "cni",
      "nft",
      "net",
      "netlink",
      "ip",
      "sys",
    ],
    why: "Looking for faults compares what is with what should be; it mends nothing itself and prints nothing.",
  },
  survey: {
    may: [
      "host",
      "ipam",
      "look",
      "record",
      "plan",
      "attachment",
      "failure",
      "cni",
      "net",
      "netlink",
      "ip",
      "sys",
    ],
    why: "What is on the node, for people; it changes nothing and prints nothing.",
  },
  picture: {
    may: ["terminal", "ip"],
    why: "A picture is made of one value with texts in it; whoever has such a value can have it drawn.",
  },
  loopback: {
    may: ["host", "failure", "cni", "net", "netlink", "ip", "sys"],
    why: "The plugin loopback is a small program of its own beside ours; it keeps no state and knows no attachments.",
  },
  verb: {
    may: ["teardown", "host", "ipam", "look", "record", "plan", "attachment", "failure", "cni", "ip", "sys"],
    why: "A verb puts the parts together and touches no kernel object; nothing but main calls it.",
  },
  trial: {
    may: ["teardown", "runtime", "host", "record", "attachment", "failure", "cni", "net", "ip", "sys"],
    why: "A trial attaches pods as a runtime does, and measures what packets do.",
  },
  teardown: {
    may: [
      "runtime",
      "survey",
      "host",
      "ipam",
      "look",
      "record",
      "attachment",
      "failure",
      "cni",
      "net",
      "ip",
      "sys",
    ],
    why: "Taking attachments down is the same work for a runtime and for a person, and knows neither.",
  },
  runtime: {
    may: ["failure", "cni", "terminal", "tool", "ip", "sys"],
    why: "The runtime's side of the contract calls plugins as programs, ours too: it knows nothing of how they work.",
  },
  host: {
    may: [
      "look",
      "ruleset",
      "record",
      "plan",
      "attachment",
      "failure",
      "cni",
      "iptables",
      "nft",
      "net",
      "netlink",
      "tool",
      "ip",
      "sys",
    ],
    why: "Changing the node knows no verbs and gives out no addresses.",
  },
  ruleset: {
    may: ["plan", "attachment", "iptables", "nft", "ip"],
    why: "The rules that a step needs are a description, for those who make them and for those who print them.",
  },
  look: {
    may: ["plan", "attachment", "failure", "cni", "nft", "net", "netlink", "ip", "sys"],
    why: "Looking changes nothing, and knows nobody who does.",
  },
  ipam: {
    may: ["record", "attachment", "cni", "tool", "ip", "sys"],
    why: "Leases are files: they know no kernel objects and no plan.",
  },
  plan: {
    may: ["attachment", "cni", "ip"],
    why: "Thinking does nothing: no I/O, no clock, no chance, no kernel.",
  },
  record: {
    may: ["attachment", "cni", "sys"],
    why: "Records are files and know nobody who reads them.",
  },
  attachment: {
    may: ["cni", "ip", "sys"],
    why: "What an attachment is made of are values; of sys they take hashes and chance.",
  },
  failure: {
    may: ["cni", "sys"],
    why: "What a refusal means is said in one place, for all who meet one.",
  },
  net: {
    may: ["netlink", "ip", "sys"],
    why: "Links, addresses and routes are what the kernel says they are, whoever wants them.",
  },
  nft: {
    may: ["netlink", "ip", "sys"],
    why: "Packet rules are what the kernel says they are, whoever wants them.",
  },
  iptables: {
    may: ["cni", "nft", "netlink", "tool", "ip", "sys"],
    why: "Rules of iptables are what they are, whoever wants them; its nftables variant is looked at as nftables.",
  },
  netlink: { may: ["sys"], why: "The wire carries messages and does not know what is in them." },
  cni: {
    may: ["ip"],
    why: "The contract with the runtime is text and values, and can be read without a machine.",
  },
  tool: { may: ["sys"], why: "Running a program knows nothing of what it is run for." },
  sys: { may: [], why: "System calls are the ground that all else stands on." },
  ip: { may: [], why: "Addresses are values." },
  terminal: { may: ["sys"], why: "Text for a terminal is text, whatever it is about." },
};

/** Pairs of folders of which only types are imported: nothing of them runs for the importer. */
const TYPES_ONLY = [
  ["record", "cni"],
  ["look", "plan"],
];

/** Packages and the one place that may import them. */
const PACKAGES: Record<string, { only: RegExp; why: string }> = {
  zod: { only: /^cni\/netconf-schema\.ts$/, why: "it only explains what was wrong" },
};

interface SourceFile {
  /** Below src. */
  path: string;
  text: string;
  /** The same without comments. */
  code: string;
}

const files: SourceFile[] = globSync("**/*.*", { cwd: join(REPOSITORY, "src") })
  .filter((path) => path !== "tsconfig.json")
  .sort()
  .map((path) => {
    const text = readFileSync(join(REPOSITORY, "src", path), "utf8");
    return { path, text, code: text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1") };
  });

/** Everything that a file names as a module: imports of values and of types. */
function modulesOf({ code }: SourceFile): string[] {
  return [...code.matchAll(/(?:\bfrom\s*|\bimport\s*|\bimport\(\s*|\brequire\(\s*)["']([^"']+)["']/g)].map(
    ([, name]) => name ?? "",
  );
}

/** The modules that each file really loads, by the file's path: imports of types are none. */
const loads = await (async () => {
  const {
    metafile: { inputs },
  } = await build({
    absWorkingDir: join(REPOSITORY, "src"),
    entryPoints: files.map(({ path }) => path),
    bundle: true,
    packages: "external",
    format: "esm",
    outdir: "nowhere",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return new Map(
    Object.entries(inputs).map(([path, { imports }]) => [
      path,
      imports.map(({ original, path: name }) => original ?? name),
    ]),
  );
})();

function loadedBy({ path }: SourceFile): string[] {
  return loads.get(path) ?? [];
}

const resolve = (from: SourceFile, name: string): string => normalize(join(dirname(from.path), name));
const folderOf = (path: string): string =>
  path.includes("/") ? path.slice(0, path.indexOf("/")) : basename(path, ".ts");

/** A sentence for each import that has no arrow. */
function missingArrows(file: SourceFile): string[] {
  const from = folderOf(file.path);
  return modulesOf(file)
    .filter((name) => name.startsWith("."))
    .flatMap((name) => {
      const target = resolve(file, name);
      const to = folderOf(target);
      const arrow = ARROWS[from];
      if (arrow === undefined)
        return [`src/${file.path} is in a folder that this test does not know: give "${from}" its arrows.`];
      if (from === to && from !== "main")
        return existsSync(join(REPOSITORY, "src", target))
          ? []
          : [`src/${file.path} imports src/${target}, which does not exist.`];
      if (!arrow.may.includes(to))
        return [
          `src/${file.path} imports src/${target}, but ${from} may import ${arrow.may.join(", ") || "no other folder"}. ${arrow.why}`,
        ];
      const typesOnly = TYPES_ONLY.some(([one, other]) => one === from && other === to);
      if (typesOnly && loadedBy(file).includes(name))
        return [
          `src/${file.path} imports a value of src/${target}, but ${from} may use only types of ${to}. ${arrow.why}`,
        ];
      return [];
    });
}

/** A sentence for each package that is imported where it should not be. */
function strayPackages(file: SourceFile): string[] {
  return modulesOf(file)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => {
      const known = Object.entries(PACKAGES).find(([each]) => name === each || name.startsWith(`${each}/`));
      if (known === undefined)
        return [
          `src/${file.path} imports "${name}". The engine has no modules of Node; a package more has to be worth its place in the executable.`,
        ];
      const [packageName, { only, why }] = known;
      return only.test(file.path)
        ? []
        : [`src/${file.path} imports "${packageName}", which only ${only.source} may: ${why}.`];
    });
}

/** Files that were looked at, and how to find what a file imports: what it loads, or types as well. */
interface Walk {
  done: Set<string>;
  importsOf: (file: SourceFile) => string[];
}

/** The first circle of files that import each other. */
function circle(path: string, trail: string[], walk: Walk): string[] | undefined {
  if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
  const file = files.find((each) => each.path === path);
  if (file === undefined || walk.done.has(path)) return undefined;
  for (const name of walk.importsOf(file)) {
    const found = name.startsWith(".") ? circle(resolve(file, name), [...trail, path], walk) : undefined;
    if (found !== undefined) return found;
  }
  walk.done.add(path);
  return undefined;
}

test("imports point down only", () => {
  expect(files.length).toBeGreaterThan(80);
  expect(files.flatMap(missingArrows)).toEqual([]);
});

test("the arrows themselves have no circle", () => {
  const reaches = (from: string, seen: string[] = []): string[] =>
    (ARROWS[from]?.may ?? []).flatMap((to) => (seen.includes(to) ? [] : [to, ...reaches(to, [...seen, to])]));
  expect(Object.keys(ARROWS).filter((folder) => reaches(folder).includes(folder))).toEqual([]);
});

test("the agent takes values alone out of src, and src nothing out of the agent", () => {
  const agent = globSync("**/*.ts", { cwd: join(REPOSITORY, "agent") });
  const taken = agent.flatMap((path) =>
    [...readFileSync(join(REPOSITORY, "agent", path), "utf8").matchAll(/from "[./]*\/src\/([^"]+)"/g)].map(
      ([, name]) => name,
    ),
  );
  expect([...new Set(taken)].sort()).toEqual([
    "cluster/reader.ts",
    "cni/problems.ts",
    "ip/address.ts",
    "ip/prefix.ts",
  ]);
  expect(files.flatMap(modulesOf).filter((name) => name.includes("/agent/"))).toEqual([]);
});

test("no files load each other in a circle", () => {
  const walk = { done: new Set<string>(), importsOf: loadedBy };
  for (const { path } of files) expect(circle(path, [], walk)?.join(" → ")).toBeUndefined();
});

test("no files import each other in a circle, types included", () => {
  const walk = { done: new Set<string>(), importsOf: modulesOf };
  for (const { path } of files) expect(circle(path, [], walk)?.join(" → ")).toBeUndefined();
});

test("a kind of steps knows no files of records: it asks the node", () => {
  const kinds = files.filter(({ path }) => path.startsWith("host/kind/"));
  expect(kinds.length).toBeGreaterThan(20);
  expect(kinds.filter((file) => modulesOf(file).some((name) => name.includes("/record/")))).toEqual([]);
});

test("each package is imported in its one place, and nothing of Node", () => {
  expect(files.flatMap(strayPackages)).toEqual([]);
});

test("files are named for what is in them, in kebab case", () => {
  const wrong = files.filter(
    ({ path }) =>
      !/^([a-z]+(-[a-z]+)*\/)*(?!(index|utils?|common|helpers?|types?|misc|lib)\.ts$)[a-z0-9_]+(-[a-z0-9]+)*\.ts$/.test(
        path,
      ),
  );
  expect(
    wrong.map(({ path }) => `src/${path} says nothing about what is in it, or is no kebab case.`),
  ).toEqual([]);
});

test.each([
  [
    "writes to the console",
    /\bconsole\./,
    "stdout belongs to the answer: main.ts prints, everything else returns.",
  ],
  [
    "declares an enum",
    /^\s*(export\s+)?(const\s+|declare\s+)*enum\s/m,
    "A union on one literal field says it without code.",
  ],
  ["starts a program", /\bnative\.spawn\b/, "Programs are run by src/tool alone."],
  [
    "asks for the time or for chance",
    /\bDate\b[.(]|\bMath\.random\b/,
    "The engine has neither: src/sys/native.ts has what there is.",
  ],
  [
    "counts by BigInt.asUintN or asIntN",
    /\bBigInt\.as(Ui|I)ntN\b/,
    "quickjs-ng 0.15.1 gives a negative number for half of them (mended upstream in pull request 1575): use %.",
  ],
  [
    "loads a module by call",
    /\brequire\(|\bimport\(/,
    "All modules are loaded when the executable is built.",
  ],
  [
    "waits by a timer",
    /\bsetTimeout\b|\bsetInterval\b/,
    "Waiting has a named condition, or is a bounded wait for a lock.",
  ],
])("no file %s", (_, pattern, sentence) => {
  expect(
    files
      .filter(({ code, path }) => pattern.test(code) && !path.startsWith("tool/"))
      .map(({ path }) => `src/${path}: ${sentence}`),
  ).toEqual([]);
});

// Stand-ins call the functions of a late module (scripts/bundle.mjs), and late modules get the values that
// exports of others have when they are loaded.
test("modules that are loaded late export functions and types alone, and no module exports what changes", () => {
  const late = files.filter(({ path }) => LATE.includes(path));
  expect(late.length).toBe(LATE.length);
  expect(late.filter(({ code }) => /^export (?!function |interface |type )/m.test(code))).toEqual([]);
  expect(files.filter(({ code }) => /^export (let|var) /m.test(code))).toEqual([]);
});

test("only main.ts knows the descriptor of stdout", () => {
  const printing = files
    .filter(({ code }) => /\bwriteAll(Waiting)?\(\s*(1|STDOUT)\b/.test(code))
    .map(({ path }) => path);
  expect(printing).toEqual(["main.ts"]);
});
