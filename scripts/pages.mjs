// The rows of docs/errors.md, docs/configuration.md, docs/doctor.md, docs/node.md and docs/kubernetes.md that
// `pontoon explain` prints: the build puts them into the executable, so page and command cannot differ.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const docs = new URL("../docs/", import.meta.url);

const ERRORS = "| Code | Title | When | What helps |";
const KEYS = "| Key | Type | Default | Effect |";
const FINDINGS = "| Code | Examination | Meaning | What helps |";
const REPORTS = "| Code | Meaning |";
const REQUESTS = "| Asked for | Capability and `runtimeConfig` | In the configuration | In CNI_ARGS |";

/** The rows as JSON: the type `Pages` in src/command/explain/page.ts says how. */
export function pagesText() {
  const text = JSON.stringify({
    errors: tablesOf("errors.md", ERRORS).flatMap(({ rows }) =>
      rows.map(([code = "", title, when, helps]) => ({ code: Number(code), title, when, helps })),
    ),
    keys: tablesOf("configuration.md", KEYS).flatMap(({ rows, section, within }) =>
      rows.map(([names = "", type, standard, effect]) => ({
        names: names.split(", "),
        within,
        type,
        standard,
        effect,
        section,
      })),
    ),
    findings: tablesOf("doctor.md", FINDINGS).flatMap(({ rows }) =>
      rows.map(([codes = "", examination, meaning, helps]) => ({
        codes: codes.split(", "),
        examination,
        meaning,
        helps,
      })),
    ),
    reports: ["node.md", "kubernetes.md"].flatMap((page) =>
      tablesOf(page, REPORTS).flatMap(({ rows, section }) =>
        // `refused-CODE` stands for many.
        rows
          .filter(([codes = ""]) => !codes.endsWith("-CODE"))
          .map(([codes = "", meaning]) => ({ codes: codes.split(", "), meaning, page, section })),
      ),
    ),
    requests: tablesOf("configuration.md", REQUESTS).flatMap(({ rows, section }) =>
      rows.map(([asked, runtime = "", configuration, args]) => {
        const [, capability = "", value = ""] = /^(\w+): (.*)$/.exec(runtime) ?? [];
        return { asked, capability, value, configuration, args, section };
      }),
    ),
  });
  // One character beyond a byte would make the engine keep two bytes for each.
  return text.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * The tables of a page with this head, as plain words. `within`: the object that has the keys, which the line
 * above the table says by "in `PATH`:", or the heading by "(`PATH`)"; empty for the entry itself.
 * @param {string} page
 * @param {string} head
 */
function tablesOf(page, head) {
  const lines = readFileSync(fileURLToPath(new URL(page, docs)), "utf8").split("\n");
  const tables = [];
  let [section, within] = ["", ""];
  for (const [at, line] of lines.entries()) {
    const heading = /^#+ (.*)$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = plain(heading);
      within = /\(`([\w.]+)`\)/.exec(heading)?.[1] ?? "";
    }
    if (line !== head) continue;
    const end = lines.indexOf("", at);
    const rows = lines.slice(at + 2, end).map(cellsOf);
    tables.push({ section, within: /in `([\w.]+)`:$/.exec(lines[at - 2] ?? "")?.[1] ?? within, rows });
  }
  if (tables.length === 0) throw new Error(`docs/${page} has no table with the head ${head}`);
  return tables;
}

/** @param {string} line */
function cellsOf(line) {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => plain(cell.trim()));
}

/**
 * Markdown as plain words: of a link its text, of code the code.
 * @param {string} text
 */
function plain(text) {
  return text
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll("`", "")
    .replaceAll("**", "")
    .replaceAll("\\|", "|");
}
