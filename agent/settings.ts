// What a person sets: options of the command line, or environment variables of the same names.
import { parseArgs } from "node:util";
import { z } from "zod";
import { hasHostBits, parsePrefix } from "../src/ip/prefix.ts";
import { LEVELS } from "./log.ts";

interface Option {
  /** The value in the help; without one the option is a switch. */
  value?: string;
  meaning: string;
  isList?: true;
}

/** Every option, in the order of the help. */
export const OPTIONS = {
  "node-name": { value: "NAME", meaning: "this node's name in the cluster  ($NODE_NAME)" },
  api: { value: "URL", meaning: "the API server  (the cluster's service)" },
  "service-account": { value: "DIR", meaning: "token and ca.crt  (where kubelet mounts them)" },
  backend: { value: "NAME", meaning: "way to other nodes: auto, routes, vxlan, none  (auto)" },
  vni: { value: "N", meaning: "network identifier of the tunnel  (4096)" },
  port: { value: "N", meaning: "UDP port of the tunnel  (8472)" },
  mtu: { value: "N", meaning: "MTU of pods and tunnel, or auto  (auto)" },
  masquerade: { value: "true|false", meaning: "hide pods behind the node outside  (true)" },
  "no-masquerade": { value: "CIDR,...", meaning: "where pods keep their address", isList: true },
  "network-name": { value: "NAME", meaning: "name of the pods' network  (pods)" },
  "conf-dir": { value: "DIR", meaning: "network configurations  (/etc/cni/net.d)" },
  "conflist-name": { value: "FILE", meaning: "ours among them  (10-pontoon.conflist)" },
  "conflist-patch": { value: "JSON", meaning: "keys merged into its entry of Pontoon" },
  "bin-dir": { value: "DIR", meaning: "plugins of the runtime  (/opt/cni/bin)" },
  pontoon: { value: "FILE", meaning: "the executable to install and to run  (/pontoon)" },
  listen: { value: "ADDRESS:PORT", meaning: "health and metrics, or none  (127.0.0.1:9880)" },
  "log-level": { value: "LEVEL", meaning: "debug, info, warn or error  (info)" },
  "log-format": { value: "json|text", meaning: "lines of the log  (json)" },
  events: { value: "true|false|auto", meaning: "tell the Node's events  (auto: where it may)" },
  care: { value: "true|false", meaning: "look after attachments of this node  (false)" },
  "care-interval": { value: "60s", meaning: "time between two looks  (60s)" },
  "dry-run": { meaning: "print the wish for this node, change nothing, and end" },
  remove: { meaning: "take away all of Pontoon's on this node, and end" },
  version: { meaning: "print the version" },
  help: { meaning: "print this" },
} as const satisfies Record<string, Option>;

const table: Record<string, Option> = OPTIONS;

/** A duration as text, in ms. */
const duration = z
  .string()
  .regex(/^\d{1,6}(ms|s|m|h)$/, "must be a number with s, m or h, as in 60s")
  .transform((text) => Number.parseInt(text, 10) * { s: 1000, m: 60_000, h: 3_600_000, ms: 1 }[unitOf(text)])
  .refine((ms) => ms >= 1000, "must be 1s at least");

function unitOf(text: string): "ms" | "s" | "m" | "h" {
  return text.replace(/^\d+/, "") as "ms" | "s" | "m" | "h";
}

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be a whole number from ${least} to ${most}`);

const boolean = z
  .enum(["true", "false"], { error: "must be true or false" })
  .transform((text) => text === "true");

const folder = z.string().regex(/^\/[^\0]*$/, "must be an absolute path");

const apiUrl = z
  .string({ error: "has to be given where KUBERNETES_SERVICE_HOST is not set" })
  .transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol === "https:" && url.username === "") return url;
    context.addIssue("must be a URL that begins with https://");
    return z.NEVER;
  });

const subnet = z
  .string()
  .refine((text) => parsePrefix(text) !== undefined, "must be a subnet, as in 10.0.0.0/8")
  .refine((text) => !hasHostBits(parsePrefix(text)!), "has bits behind its length");

const patch = z.string().transform((text, context): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {}
  context.addIssue('must be a JSON object, as in {"macspoofchk": true}');
  return z.NEVER;
});

const listen = z.string().transform((text, context) => {
  if (text === "none") return undefined;
  const [, address, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text)
    ? [text, text.replace(/:\d+$/, "").replaceAll(/[[\]]/g, ""), text.replace(/^.*:/, "")]
    : [];
  if (address !== undefined && port !== undefined && Number(port) <= 65_535)
    return { address, port: Number(port) };
  context.addIssue("must be an address and a port, as in 127.0.0.1:9880 or [::1]:9880, or none");
  return z.NEVER;
});

const schema = z
  .object({
    "node-name": z.string({ error: "has to be given: the node's name in the cluster" }).min(1).max(253),
    api: apiUrl,
    "service-account": folder.default("/var/run/secrets/kubernetes.io/serviceaccount"),
    backend: z
      .enum(["auto", "routes", "vxlan", "none"], { error: "must be auto, routes, vxlan or none" })
      .default("auto"),
    vni: whole(1, 0xff_ffff).default(4096),
    port: whole(1, 65_535).default(8472),
    mtu: z
      .union([z.literal("auto"), whole(576, 65_000)], { error: "must be auto, or 576 to 65000" })
      .default("auto"),
    masquerade: boolean.default(true),
    "no-masquerade": z.array(subnet).default([]),
    "network-name": z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "must be a network's name, as in pods")
      .default("pods"),
    "conf-dir": folder.default("/etc/cni/net.d"),
    "conflist-name": z
      .string()
      .regex(/^[a-zA-Z0-9_][^/\0]{0,190}\.conflist$/, "must be a name that ends in .conflist")
      .default("10-pontoon.conflist"),
    "conflist-patch": patch.default({}),
    "bin-dir": folder.default("/opt/cni/bin"),
    pontoon: folder.default("/pontoon"),
    listen: listen.default({ address: "127.0.0.1", port: 9880 }),
    "log-level": z.enum(LEVELS, { error: `must be ${LEVELS.join(", ")}` }).default("info"),
    "log-format": z.enum(["json", "text"], { error: "must be json or text" }).default("json"),
    events: z.enum(["true", "false", "auto"], { error: "must be true, false or auto" }).default("auto"),
    care: boolean.default(false),
    "care-interval": duration.default(60_000),
    "dry-run": z.boolean().default(false),
    remove: z.boolean().default(false),
  })
  .transform((read) => ({
    ...read,
    conflistPath: `${read["conf-dir"].replace(/\/+$/, "")}/${read["conflist-name"]}`,
  }));

/** The settings, read and checked. */
export type Settings = z.infer<typeof schema>;

/** A wrong option: a sentence for each. */
export class WrongSettings extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** A wish of the command line that needs no settings. */
export type Asked = { help: true } | { version: true } | { settings: Settings };

/** Reads options and environment; an option goes before the variable. Throws WrongSettings. */
export function readSettings(args: readonly string[], env: NodeJS.ProcessEnv): Asked {
  const given = parse(args);
  if (given["help"] === true) return { help: true };
  if (given["version"] === true) return { version: true };
  const values: Record<string, unknown> = { ...defaultsOf(env), ...ofEnvironment(env), ...given };
  const list = values["no-masquerade"];
  if (list !== undefined)
    values["no-masquerade"] = [list].flat().flatMap((text) =>
      String(text)
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== ""),
    );
  // A removal asks no API server.
  if (values["remove"] === true) values["api"] = "https://localhost";
  if (values["remove"] === true) values["node-name"] ??= "none";
  const { success, data, error } = schema.safeParse(values);
  if (success) return { settings: data };
  throw new WrongSettings(error.issues.map(({ path, message }) => `--${path[0]?.toString()}: ${message}`));
}

type Given = Record<string, string | boolean | (string | boolean)[] | undefined>;

function parse(args: readonly string[]): Given {
  try {
    const options = Object.fromEntries(
      Object.entries(table).map(([name, { value, isList }]) => [
        name,
        {
          type: value === undefined ? ("boolean" as const) : ("string" as const),
          ...(isList && { multiple: true }),
        },
      ]),
    );
    return { ...parseArgs({ args: [...args], options, strict: true }).values };
  } catch (error) {
    throw new WrongSettings([(error as Error).message.split(". ")[0] ?? ""]);
  }
}

/** The name of an option's environment variable. */
export function variableOf(name: string): string {
  return `PONTOON_${name.toUpperCase().replaceAll("-", "_")}`;
}

function ofEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, { value }]) => {
      const text = env[variableOf(name)];
      if (text === undefined || text === "" || name === "help" || name === "version") return [];
      return [[name, value === undefined ? text === "true" : text]];
    }),
  );
}

function defaultsOf(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443", NODE_NAME: name } = env;
  return {
    ...(host && { api: `https://${host.includes(":") ? `[${host}]` : host}:${port}` }),
    ...(name && { "node-name": name }),
  };
}

/** The page of --help, 80 columns wide. */
export function helpText(): string {
  const rows = Object.entries(table).map(
    ([name, { value, meaning }]) =>
      [value === undefined ? `--${name}` : `--${name} ${value}`, meaning] as const,
  );
  const lines = rows.map(([left, meaning]) =>
    left.length > 23 ? `  ${left}\n${" ".repeat(27)}${meaning}` : `  ${left.padEnd(25)}${meaning}`,
  );
  return `usage: pontoon-agent [OPTION]...

Gives this node the network of a Kubernetes cluster's pods: installs the plugin
Pontoon, routes or tunnels to the pods of other nodes, masquerading, and the
configuration for the runtime; and keeps all of it as the cluster changes. What
it made stays when it ends.

${lines.join("\n")}

Each option may be an environment variable instead: PONTOON_BACKEND=vxlan. A
list has commas. The option goes before the variable.
`;
}
