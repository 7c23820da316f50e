// What a person sets: options of the command line, or environment variables of the same names.
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { parseAddress } from "../src/ip/address.ts";
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
  "cluster-cidr": { value: "CIDR,...", meaning: "no podCIDR outside of it counts", isList: true },
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

const matching = (pattern: RegExp, error: string) => z.string().check(z.regex(pattern, error));

/** A text that is read to another value; `read` gives undefined for a wrong one. */
function reading<T>(read: (text: string) => T | undefined, error: string, missing = error) {
  return z.pipe(
    z.string(missing),
    z.transform((text, context): T => {
      const value = read(text);
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", message: error, input: text });
      return z.NEVER;
    }),
  );
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as text, in ms. */
const duration = reading((text) => {
  const [, count, unit = ""] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? Number.NaN);
  return ms >= 1000 ? ms : undefined;
}, "must be a time of 1s at least, as in 60s or 5m");

const whole = (least: number, most: number) =>
  reading(
    (text) =>
      /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
    `must be a whole number from ${least} to ${most}`,
  );

const mtu = reading<number | "auto">((text) => {
  const bytes = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (text === "auto") return text;
  return bytes >= 576 && bytes <= 65_000 ? bytes : undefined;
}, "must be auto, or a whole number from 576 to 65000");

const boolean = reading(
  (text) => (text === "true" ? true : text === "false" ? false : undefined),
  "must be true or false",
);

const folder = matching(/^\/[^\0]*$/, "must be an absolute path");

const apiUrl = reading(
  (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url?.protocol === "https:" && url.username === "" ? url : undefined;
  },
  "must be a URL that begins with https://",
  "has to be given where KUBERNETES_SERVICE_HOST is not set",
);

const subnet = reading((text) => {
  const prefix = parsePrefix(text);
  return prefix === undefined || hasHostBits(prefix) ? undefined : text;
}, "must be a subnet by its first address, as in 10.0.0.0/8");

const patch = reading((text): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}, 'must be a JSON object, as in {"macspoofchk": true}');

/** Where to listen; "none" is a place as well. */
const listen = reading<{ address: string; port: number } | "none">((text) => {
  if (text === "none") return text;
  const [, six, four, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = six ?? four;
  if (address === undefined || parseAddress(address) === undefined || Number(port) > 65_535) return undefined;
  return { address, port: Number(port) };
}, "must be an address and a port, as in 127.0.0.1:9880 or [::1]:9880, or none");

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`);

const schema = z.object({
  "node-name": z
    .string("has to be given: the node's name in the cluster")
    .check(z.minLength(1), z.maxLength(253)),
  api: apiUrl,
  "service-account": z._default(folder, "/var/run/secrets/kubernetes.io/serviceaccount"),
  backend: z._default(oneOf(["auto", "routes", "vxlan", "none"]), "auto"),
  vni: z._default(whole(1, 0xff_ffff), 4096),
  port: z._default(whole(1, 65_535), 8472),
  mtu: z._default(mtu, "auto"),
  masquerade: z._default(boolean, true),
  "no-masquerade": z._default(z.array(subnet), []),
  "cluster-cidr": z._default(z.array(subnet), []),
  "network-name": z._default(
    matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "must be a network's name, as in pods"),
    "pods",
  ),
  "conf-dir": z._default(folder, "/etc/cni/net.d"),
  "conflist-name": z._default(
    matching(/^[a-zA-Z0-9_][^/\0]{0,190}\.conflist$/, "must be a name that ends in .conflist"),
    "10-pontoon.conflist",
  ),
  "conflist-patch": z._default(patch, {}),
  "bin-dir": z._default(folder, "/opt/cni/bin"),
  pontoon: z._default(folder, "/pontoon"),
  listen: z._default(listen, { address: "127.0.0.1", port: 9880 }),
  "log-level": z._default(oneOf(LEVELS), "info"),
  "log-format": z._default(oneOf(["json", "text"]), "json"),
  events: z._default(oneOf(["true", "false", "auto"]), "auto"),
  care: z._default(boolean, false),
  "care-interval": z._default(duration, 60_000),
  "dry-run": z._default(z.boolean("must be true or false"), false),
  remove: z._default(z.boolean("must be true or false"), false),
});

/** The settings, read and checked. */
export type Settings = z.infer<typeof schema> & {
  /** The path of our configuration. */
  conflistPath: string;
};

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
  for (const [name, { isList }] of Object.entries(table))
    if (isList && values[name] !== undefined) values[name] = itemsOf([values[name]].flat());
  // A removal asks no API server.
  if (values["remove"] === true) values["api"] = "https://localhost";
  if (values["remove"] === true) values["node-name"] ??= "none";
  const { success, data, error } = schema.safeParse(values);
  if (success) {
    const conflistPath = `${data["conf-dir"].replace(/\/+$/, "")}/${data["conflist-name"]}`;
    return { settings: { ...data, conflistPath } };
  }
  throw new WrongSettings(error.issues.map(({ path, message }) => `--${path[0]?.toString()}: ${message}`));
}

/** The items of a list: by commas, or by several options. */
function itemsOf(texts: readonly unknown[]): string[] {
  return texts.flatMap((text) =>
    String(text)
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== ""),
  );
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
      return [[name, value === undefined && /^(true|false)$/.test(text) ? text === "true" : text]];
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
