// The shape of a network configuration as a schema that can explain itself. Loaded only for a configuration of which
// netconf-shape.ts says that a type is wrong: loading zod and building a schema costs 2.5 ms, the rest of a call about 8.
import * as z from "zod/mini";
import type { Fields } from "./keys.ts";
import type { Problems } from "./problems.ts";

/** Every field is optional here; what must be there is a question of meaning. */
export type Shape = z.infer<ReturnType<typeof buildSchema>>;
export type IpamShape = NonNullable<Shape["ipam"]>;
export type RangeShape = NonNullable<IpamShape["ranges"]>[number][number];

/** The fields with known types. A value of a wrong type is reported and left out of the answer. */
export function explainShape(fields: Fields, problems: Problems): Shape {
  const schema = buildSchema();
  const first = schema.safeParse(fields);
  if (first.success) return first.data;
  for (const { path, ...issue } of first.error.issues) {
    const expected = issue.code === "invalid_type" ? issue.expected : "int";
    problems.add(pathText(path), valueAt(fields, path), ALLOWED[expected] ?? `must be of type ${expected}`);
  }
  // What is left has only optional fields, so nothing can be wrong with it.
  return schema.parse(withoutPaths(fields, first.error.issues.map(({ path }) => path)));
}

function buildSchema() {
  // Code made at run time pays off after many objects; here one is read.
  z.config({ jitless: true });
  const text = z.optional(z.string());
  const flag = z.optional(z.boolean());
  const range = { subnet: text, rangeStart: text, rangeEnd: text, gateway: text };
  return z.object({
    bridge: text,
    isGateway: flag,
    isDefaultGateway: flag,
    forceAddress: flag,
    ipMasq: flag,
    mtu: z.optional(z.int()),
    hairpinMode: flag,
    promiscMode: flag,
    ipam: z.optional(
      z.object({
        ...range,
        type: text,
        ranges: z.optional(z.array(z.array(z.object(range)))),
        dataDir: text,
        resolvConf: text,
        statusWhenFull: flag,
        routes: z.optional(z.unknown()), // Read like the routes of a result.
      }),
    ),
  });
}

const ALLOWED: { readonly [expected: string]: string } = {
  string: "must be text in quotes",
  boolean: "must be true or false, without quotes",
  number: "must be a whole number, without quotes",
  int: "must be a whole number",
  array: 'must be a list; ranges are a list of lists, as in [[{ "subnet": "10.1.0.0/16" }]]',
  object: "must be an object",
};

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, at) => (typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`)).join("");
}

function valueAt(fields: Fields, path: readonly PropertyKey[]): unknown {
  let value: unknown = fields;
  for (const part of path) value = (value as { readonly [key: PropertyKey]: unknown })[part];
  return value;
}

/** A copy without the fields that the paths lead through; of `ipam`, only the one below it. */
function withoutPaths(fields: Fields, paths: (readonly PropertyKey[])[]): Fields {
  const { ipam, ...rest } = fields as { [key: string]: unknown };
  const inIpam = { ...(typeof ipam === "object" ? ipam : {}) } as { [key: string]: unknown };
  let keepIpam = ipam !== undefined;
  for (const [key, below] of paths) {
    if (key !== "ipam") delete rest[String(key)];
    else if (below !== undefined) delete inIpam[String(below)];
    else keepIpam = false;
  }
  return keepIpam ? { ...rest, ipam: inIpam } : rest;
}
