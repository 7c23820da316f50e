// What keeps a test from noticing: an expectation that can be skipped, an error that is swallowed, a time
// that is waited. Read from the syntax tree of a test file, whose parser comes with vitest.
import { parseSync } from "vite";

/** A node of the tree (ESTree, https://github.com/estree/estree, with the types of TypeScript). */
interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

/**
 * A node with the way to it: the nodes above it, the nearest first, and the field of each that leads down.
 */
interface Found {
  node: Node;
  above: { node: Node; field: string }[];
}

/** Calls that fail by themselves when a promise is broken; a test may rest on one of them alone. */
const THROWING_HELPERS = new Set(["mustFail"]);
const TEST_MAKERS = new Set(["test", "it", "scene", "describe"]);
const NOT_RUN = new Set(["skip", "only", "todo", "skipIf", "runIf", "fails"]);
const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate", "sleep", "sleepSync"]);
const SHELL_SLEEP = /(^|[;&|\s])sleep [\d.$]/;

/** A sentence for each place of a file, with its line, that keeps a test from noticing. */
export function complaintsAbout(text: string): string[] {
  const { program, errors } = parseSync("file.ts", text);
  if (errors.length > 0) throw new Error(`The file cannot be read: ${errors[0]!.message}`);
  const all = [...walk(program as unknown as Node, [])];
  const at = ({ node }: Found): string => `line ${text.slice(0, node.start).split("\n").length}`;
  return [
    ...all.filter(isSkippable).map((found) => `${at(found)}: this expect may be skipped`),
    ...all.filter(isSwallowed).map((found) => `${at(found)}: this error is swallowed`),
    ...all.filter(isNotRun).map((found) => `${at(found)}: not every test runs`),
    ...all
      .filter((found) => isEmptyTest(found, all))
      .map((found) => `${at(found)}: this test expects nothing`),
    ...all.filter(isSleep).map((found) => `${at(found)}: time is waited, not a condition`),
  ];
}

function* walk(node: Node, above: Found["above"]): Generator<Found> {
  yield { node, above };
  for (const [field, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* walk(child, [{ node, field }, ...above]);
    }
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";
const below = (node: unknown): Node[] => (isNode(node) ? [...walk(node, [])].map((found) => found.node) : []);
const nameOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === "Identifier" ? (node["name"] as string) : undefined;

/** `name(…)`: the name. */
const calledName = (node: Node): string | undefined =>
  node.type === "CallExpression" ? nameOf(node["callee"]) : undefined;
const isExpect = (node: Node): boolean => /^expect([A-Z]|$)/.test(calledName(node) ?? "");
const fails = (node: unknown): boolean =>
  below(node).some(
    (each) =>
      isExpect(each) || each.type === "ThrowStatement" || THROWING_HELPERS.has(calledName(each) ?? ""),
  );

/** An expect on one way of a fork whose other way expects nothing. */
function isSkippable({ node, above }: Found): boolean {
  if (!isExpect(node)) return false;
  return above.some(({ node: fork, field }) => {
    if (fork.type === "IfStatement" || fork.type === "ConditionalExpression") {
      return (
        (field === "consequent" && !fails(fork["alternate"])) ||
        (field === "alternate" && !fails(fork["consequent"]))
      );
    }
    if (fork.type === "LogicalExpression") return field === "right";
    // What stands in the arguments of a?.b(…), or is asked of expect(…)?.…
    if (fork.type === "CallExpression" && field === "arguments")
      return hasOptionalLink(fork["callee"]) || fork["optional"] === true;
    if (fork.type === "MemberExpression" && field === "object") return fork["optional"] === true;
    if (fork.type === "TryStatement" && field === "handler") return !endsWithThrow(fork["block"]);
    return false;
  });
}

function hasOptionalLink(node: unknown): boolean {
  return (
    isNode(node) &&
    (node["optional"] === true || hasOptionalLink(node["object"]) || hasOptionalLink(node["callee"]))
  );
}

function endsWithThrow(block: unknown): boolean {
  const last = isNode(block) ? (block["body"] as Node[]).at(-1) : undefined;
  return last?.type === "ThrowStatement";
}

/** `.catch(…)` that never throws, and a `catch` that does nothing. */
function isSwallowed({ node }: Found): boolean {
  if (node.type === "CatchClause") return ((node["body"] as Node)["body"] as Node[]).length === 0;
  const callee = node.type === "CallExpression" ? node["callee"] : undefined;
  return (
    isNode(callee) &&
    callee.type === "MemberExpression" &&
    nameOf(callee["property"]) === "catch" &&
    !fails((node["arguments"] as Node[])[0])
  );
}

/** `test.skip(…)`, `describe.concurrent.only`, and the like. */
function isNotRun({ node }: Found): boolean {
  if (node.type !== "MemberExpression" || !NOT_RUN.has(nameOf(node["property"]) ?? "")) return false;
  return TEST_MAKERS.has(rootOf(node["object"]) ?? "");
}

/** The first name of `a.b.c(…).d`. */
function rootOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  return nameOf(node) ?? rootOf(node["object"] ?? node["callee"]);
}

/** A test whose function, with the functions of the same file that it calls, comes to no expect. */
function isEmptyTest({ node }: Found, all: Found[]): boolean {
  if (node.type !== "CallExpression" || !isTestMaker(node["callee"])) return false;
  const play = (node["arguments"] as Node[]).find(
    ({ type }) => type === "ArrowFunctionExpression" || type === "FunctionExpression",
  );
  return play !== undefined && !comesToExpect(play, all, new Set());
}

/** `test`, `test.concurrent`, `test.each(…)`, and the like, as they are called. */
function isTestMaker(callee: unknown): boolean {
  if (!isNode(callee)) return false;
  if (callee.type === "CallExpression") return isTestMaker(callee["callee"]);
  if (callee.type === "MemberExpression")
    return (
      ["concurrent", "sequential", "each", "for"].includes(nameOf(callee["property"]) ?? "") &&
      isTestMaker(callee["object"])
    );
  return ["test", "it", "scene"].includes(nameOf(callee) ?? "");
}

function comesToExpect(play: unknown, all: Found[], seen: Set<string>): boolean {
  if (fails(play)) return true;
  return below(play).some((each) => {
    const name = calledName(each);
    if (name === undefined || seen.has(name)) return false;
    seen.add(name);
    return all.some(({ node }) => {
      const isIt =
        (node.type === "FunctionDeclaration" || node.type === "VariableDeclarator") &&
        nameOf(node["id"]) === name;
      return isIt && comesToExpect(node["body"] ?? node["init"], all, seen);
    });
  });
}

/** A timer of JavaScript, or `sleep` in a shell. */
function isSleep({ node, above }: Found): boolean {
  if (node.type === "ImportDeclaration") return (node["source"] as Node)["value"] === "node:timers/promises";
  if (node.type === "Literal" || node.type === "TemplateElement")
    return SHELL_SLEEP.test(textOf(node)) && above[0]?.node.type !== "ImportDeclaration";
  if (node.type !== "CallExpression") return false;
  const callee = node["callee"] as Node;
  return TIMERS.has(
    nameOf(callee) ?? (callee.type === "MemberExpression" ? nameOf(callee["property"]) : undefined) ?? "",
  );
}

function textOf({ value }: Node): string {
  const text = typeof value === "object" ? (value as { raw?: string } | null)?.raw : value;
  return typeof text === "string" ? text : "";
}
