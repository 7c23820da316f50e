// Makes cni-conf/pontoon.schema.json of the tree of keys (src/cni/netconf-keys.ts), by way of the zod schema
// that explains a wrong type, and of the words beside this file. Run it with `npm run schema` when one of
// them has changed.
//
// A file is a whole network list, or one plugin entry. Editors know draft 7 of JSON Schema best, without `if`
// and `not`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import { NETCONF } from "../src/cni/netconf-keys.ts";
import { buildSchema } from "../src/cni/netconf-schema.ts";
import { ENTRY_KEYS, LIST_KEYS, WORDS, type Words } from "./schema-words.ts";

export interface JsonSchema {
  [keyword: string]: unknown;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

export const SCHEMA_FILE = fileURLToPath(new URL("../cni-conf/pontoon.schema.json", import.meta.url));

/** What the file is to contain. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
}

function jsonSchema(): JsonSchema {
  const entry = { $ref: "#/definitions/entry" };
  const plugins = {
    type: "array",
    title: "Plugins",
    description: "Called one after the other.",
    minItems: 1,
    items: { anyOf: [entry, otherPlugin()] },
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Network configuration of Pontoon",
    description:
      "A network list (.conflist) with an entry of type pontoon, or such an entry alone. Keys that Pontoon does not know are marked, though it skips them: most are misspelt.",
    anyOf: [
      {
        type: "object",
        title: "Network list",
        properties: { ...LIST_KEYS, plugins },
        required: ["cniVersion", "name", "plugins"],
      },
      { allOf: [entry, requiring("name")] },
    ],
    definitions: { entry: entryOfPlugins() },
  };
}

function entryOfPlugins(): JsonSchema {
  const { properties: { ipam, ...keys } = {} } = described(fromZod(), "");
  const type = { const: "pontoon", title: "Plugin", description: "The name of the executable." };
  return {
    ...closed({ type, ...ENTRY_KEYS, ...keys, ipam: anyIpam(ipam ?? {}) }),
    title: "Pontoon",
    required: ["type"],
  };
}

/** The built-in one, one of another plugin, which says what it takes, or none. */
function anyIpam(builtIn: JsonSchema): JsonSchema {
  const { title, description } = WORDS["ipam.type"];
  const foreign = {
    type: "string",
    title,
    description,
    pattern: "^(?!host-local$)([a-zA-Z0-9][a-zA-Z0-9_.-]*|/.*[^/])$",
  };
  const type = { const: "host-local", title, description };
  return {
    description: builtIn["description"],
    anyOf: [
      { ...builtIn, properties: { ...builtIn.properties, type }, required: ["type"] },
      {
        type: "object",
        title: "Addresses (another plugin)",
        properties: { type: foreign },
        required: ["type"],
      },
      { type: "object", title: "No addresses", maxProperties: 0 },
    ],
  };
}

function otherPlugin(): JsonSchema {
  return {
    type: "object",
    title: "Another plugin",
    properties: { type: { type: "string", pattern: "^(?!pontoon$)." } },
    required: ["type"],
  };
}

function fromZod(): JsonSchema {
  return z.toJSONSchema(buildSchema(NETCONF), { io: "input", target: "draft-7" }) as JsonSchema;
}

/** What must be there: a range without a subnet says nothing, nor does a route without a destination. */
const REQUIRED: Record<string, JsonSchema> = {
  "ipam.ranges": { required: ["subnet"] },
  "ipam.routes": { required: ["dst"] },
  "runtimeConfig.portMappings": { required: ["hostPort", "containerPort"] },
  "runtimeConfig.ipRanges": { required: ["subnet"] },
  vlanTrunk: { anyOf: [requiring("id"), requiring("minID", "maxID")] },
};

/** Others write there too. */
const OPEN = ["args", "args.cni", "runtimeConfig"];

/** The schema of a key with its words; the whole entry has the path "" and no words. */
function described({ $schema: _, ...schema }: JsonSchema, path: string): JsonSchema {
  const words = wordsOf(path);
  if (schema.properties !== undefined) {
    const properties = Object.entries(schema.properties).map(
      ([key, value]) => [key, described(value, path === "" ? key : `${path}.${key}`)] as const,
    );
    const made = { ...schema, properties: Object.fromEntries(properties) };
    return { ...(OPEN.includes(path) ? made : closed(made.properties)), ...words };
  }
  return {
    ...schema,
    ...(schema.items === undefined ? {} : { items: itemOf(schema.items, path) }),
    ...words,
  };
}

/** Throws Error for a key without words: nobody would know from the schema what it does. */
function wordsOf(path: string): Partial<Words> {
  const words: Words | undefined = (WORDS as Record<string, Words>)[path];
  if (words === undefined && path !== "") throw new Error(`scripts/schema-words.ts has no words for ${path}`);
  return words ?? {};
}

/** An item of a list, or of a list in it, has the path of its list. */
function itemOf(schema: JsonSchema, path: string): JsonSchema {
  if (schema.items !== undefined) return { ...schema, items: itemOf(schema.items, path) };
  if (schema.properties === undefined) return schema;
  const { title: _, description: __, ...item } = described(schema, path);
  return { ...item, ...REQUIRED[path] };
}

/** Spelt out, because some readers want to see a required key among the properties. */
function requiring(...keys: string[]): JsonSchema {
  return { type: "object", properties: Object.fromEntries(keys.map((key) => [key, {}])), required: keys };
}

function closed(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, additionalProperties: false };
}

// Last, when all of the above is there.
if (import.meta.main) writeFileSync(SCHEMA_FILE, schemaText());
