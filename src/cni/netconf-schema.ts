// The shape of a network configuration as a schema that can explain itself. Built only for a configuration of
// which netconf-shape.ts says that a type is wrong.
import * as z from "zod/mini";
import { CniError } from "./error.ts";
import { type Fields, isFields } from "./keys.ts";
import type { Problems } from "./problems.ts";

/** Every field is optional here; what must be there is a question of meaning. */
export type Shape = z.infer<ReturnType<typeof buildSchema>>;
export type IpamShape = NonNullable<Shape["ipam"]>;
export type RangeShape = NonNullable<IpamShape["ranges"]>[number][number];
export type RouteShape = NonNullable<IpamShape["routes"]>[number];
export type DnsShape = NonNullable<Shape["dns"]>;
export type TrunkShape = NonNullable<Shape["vlanTrunk"]>[number];
export type BandwidthShape = NonNullable<NonNullable<Shape["runtimeConfig"]>["bandwidth"]>;
export type ArgsShape = NonNullable<NonNullable<Shape["args"]>["cni"]>;
export type RuntimeShape = NonNullable<Shape["runtimeConfig"]>;
export type PortShape = NonNullable<RuntimeShape["portMappings"]>[number];

/** The fields with known types. A value of a wrong type is reported and left out of the answer. */
export function explainShape(fields: Fields, problems: Problems): Shape {
  const schema = buildSchema();
  const first = attemptParse(schema, fields);
  if (first.success) return first.data;
  for (const { path, ...issue } of first.error.issues) {
    const expected = issue.code === "invalid_type" ? issue.expected : "int";
    const where = pathText(path);
    const more = expected === "array" && /ranges/i.test(where) ? RANGES : "";
    problems.add(
      where,
      valueAt(fields, path),
      `${ALLOWED[expected] ?? `must be of type ${expected}`}${more}`,
    );
  }
  // What is left has only optional fields, so nothing can be wrong with it.
  return schema.parse(
    withoutPaths(
      fields,
      first.error.issues.map(({ path }) => path),
    ),
  );
}

/** zod passes the problems of a list as arguments, of which an engine takes 65,535 at most. */
function attemptParse(schema: ReturnType<typeof buildSchema>, fields: Fields) {
  try {
    return schema.safeParse(fields);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CniError("invalidConfig", {
      about: "more values of a wrong type than can be told",
      hint: "Correct the configuration; nothing was changed",
    });
  }
}

/** The schema of one plugin entry, which scripts/json-schema.ts turns into cni-conf/pontoon.schema.json. */
export function buildSchema() {
  // The engine makes no code at run time.
  z.config({ jitless: true });
  const text = z.optional(z.string());
  const texts = z.optional(z.array(z.string()));
  const flag = z.optional(z.boolean());
  const whole = z.optional(z.int());
  const range = { subnet: text, rangeStart: text, rangeEnd: text, gateway: text };
  const ranges = z.optional(z.array(z.array(z.object(range))));
  const bandwidth = { ingressRate: whole, ingressBurst: whole, egressRate: whole, egressBurst: whole };
  // Whose values are text or numbers; src/cni/tuning.ts says which one is not.
  const sysctls = z.optional(z.record(z.string(), z.unknown()));
  const route = {
    dst: text,
    gw: text,
    mtu: whole,
    advmss: whole,
    priority: whole,
    table: whole,
    scope: whole,
  };
  return z.object({
    bridge: text,
    isGateway: flag,
    isDefaultGateway: flag,
    forceAddress: flag,
    ipMasq: flag,
    ipMasqBackend: text,
    mtu: whole,
    hairpinMode: flag,
    promiscMode: flag,
    portIsolation: flag,
    macspoofchk: flag,
    ingressPolicy: text,
    enabledad: flag,
    disableContainerInterface: flag,
    vlan: whole,
    vlanTrunk: z.optional(z.array(z.object({ id: whole, minID: whole, maxID: whole }))),
    preserveDefaultVlan: flag,
    ...bandwidth,
    egressInPod: flag,
    sysctl: sysctls,
    txQLen: whole,
    promisc: flag,
    allmulti: flag,
    mac: text,
    sourceBasedRouting: flag,
    snat: flag,
    masqAll: flag,
    markMasqBit: whole,
    externalSetMarkChain: text,
    conditionsV4: texts,
    conditionsV6: texts,
    allowListening: flag,
    compat: z.optional(z.object({ iptablesHostPortChains: flag })),
    ipam: z.optional(
      z.object({
        type: text,
        ranges,
        ...range,
        routes: z.optional(z.array(z.object(route))),
        dataDir: text,
        resolvConf: text,
        statusWhenFull: flag,
      }),
    ),
    dns: z.optional(z.object({ nameservers: texts, domain: text, search: texts, options: texts })),
    args: z.optional(z.object({ cni: z.optional(z.object({ mac: text, ips: texts, sysctl: sysctls })) })),
    runtimeConfig: z.optional(
      z.object({
        mac: text,
        ips: texts,
        ipRanges: ranges,
        dns: z.optional(z.object({ servers: texts, searches: texts, options: texts })),
        bandwidth: z.optional(z.object(bandwidth)),
        portMappings: z.optional(
          z.array(
            z.object({
              hostPort: whole,
              hostPortEnd: whole,
              containerPort: whole,
              protocol: text,
              hostIP: text,
            }),
          ),
        ),
      }),
    ),
  });
}

const ALLOWED: { readonly [expected: string]: string } = {
  string: "must be text in quotes",
  boolean: "must be true or false, without quotes",
  number: "must be a whole number, without quotes",
  int: "must be a whole number",
  array: "must be a list",
  object: "must be an object",
  record: "must be an object",
};

const RANGES = '; ranges are a list of lists, as in [[{ "subnet": "10.1.0.0/16" }]]';

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`))
    .join("");
}

function valueAt(fields: Fields, path: readonly PropertyKey[]): unknown {
  let value: unknown = fields;
  for (const part of path) value = (value as { readonly [key: PropertyKey]: unknown })[part];
  return value;
}

/**
 * A copy without the fields that the paths lead through; of `ipam` and `runtimeConfig`, only the one below
 * it.
 */
function withoutPaths(fields: Fields, paths: (readonly PropertyKey[])[]): Fields {
  const kept: { [key: string]: unknown } = { ...fields };
  for (const [key, below] of paths) {
    const section = kept[String(key)];
    if ((key !== "ipam" && key !== "runtimeConfig") || below === undefined || !isFields(section))
      delete kept[String(key)];
    else kept[String(key)] = { ...section, [below]: undefined };
  }
  return kept;
}
