// The text of a record: whole it comes back, and anything else is "damaged", never an exception.
import { expect, test } from "vitest";
import { type Attachment, VERSION } from "../../../src/attachment/attachment.ts";
import { formatRecord, parseRecord } from "../../../src/attachment/text.ts";
import { attachmentWithEverything } from "../../support/everything.ts";
import { attachmentOf } from "../plan/input.ts";
import { generateAttachment } from "./generated.ts";

const EVERYTHING = attachmentWithEverything();
const NOTHING: Attachment = {
  ...attachmentOf({ ipam: undefined, isGateway: false }, []),
  leaseDirectory: undefined,
};

test.each([
  ["everything", EVERYTHING],
  ["nothing", NOTHING],
])("an attachment with %s comes back as it was written", (_, attachment) => {
  expect(parseRecord(formatRecord(attachment))).toEqual({ state: "record", attachment });
  expect(formatRecord(attachment).endsWith("}\n")).toBe(true);
});

test("any attachment comes back as it was written", () => {
  for (let seed = 0; seed < 1000; seed++) {
    const attachment = generateAttachment(seed);
    const text = formatRecord(attachment);
    expect(parseRecord(text), `seed ${seed}`).toEqual({ state: "record", attachment });
    expect(formatRecord(attachment), `seed ${seed}`).toBe(text);
  }
});

test("writing changes nothing of the attachment, and each text is read anew", () => {
  const attachment = attachmentWithEverything();
  const text = formatRecord(attachment);
  expect(attachment).toEqual(EVERYTHING);
  expect(parseRecord(formatRecord(NOTHING))).toEqual({ state: "record", attachment: NOTHING });
  expect(parseRecord(text)).toEqual({ state: "record", attachment });
});

test("what was not asked for takes no place in the text", () => {
  const { version, link, ...others } = JSON.parse(formatRecord(NOTHING)) as Record<string, object>;
  expect(version).toBe(VERSION);
  expect(Object.keys(others).sort()).toEqual(["addresses", "host", "key", "namespace", "routes"]);
  expect(Object.keys(link ?? {}).sort()).toEqual([
    "bridge",
    "gatewayInterface",
    "host",
    "kind",
    "mtu",
    "pod",
  ]);
});

/** Names that are more than one byte long are cut in the middle, too. */
const WIDE = { ...EVERYTHING, pod: "default/w\u00e4\u20ac\u{1f600}b" };

test("a text that is torn at any byte is damaged, or all but the line's end", () => {
  const bytes = Buffer.from(formatRecord(WIDE));
  for (let length = 0; length < bytes.length - 1; length++)
    expect(parseRecord(bytes.subarray(0, length).toString()), `${length} bytes`).toEqual({
      state: "damaged",
    });
  expect(parseRecord(bytes.subarray(0, -1).toString())).toEqual({ state: "record", attachment: WIDE });
});

test("a text that ends in zeros from any byte on, as after a loss of power, is damaged", () => {
  const bytes = Buffer.from(formatRecord(WIDE));
  for (let length = 0; length < bytes.length; length++)
    expect(parseRecord(Buffer.from(bytes).fill(0, length).toString())).toEqual({ state: "damaged" });
});

/** What a text is when it was read, written and read again: every field that it has is of its type then. */
function stateWhenWrittenAgain(text: string): string {
  const parsed = parseRecord(text);
  return parsed.state === "record" ? parseRecord(formatRecord(parsed.attachment)).state : parsed.state;
}

test("a text over which a longer one was written up to any byte is damaged, one of the two, or at least typed", () => {
  const begun = { ...WIDE, addresses: [], routes: [], masquerade: undefined };
  const [before, after] = [begun, WIDE].map((each) => Buffer.from(formatRecord(each))) as [Buffer, Buffer];
  expect(after.length).toBeGreaterThan(before.length);
  for (let length = 0; length <= after.length; length++) {
    const mixed = Buffer.concat([after.subarray(0, length), before.subarray(length)]).toString();
    expect(stateWhenWrittenAgain(mixed), `${length} bytes`).not.toBe("unknownVersion");
  }
  expect(parseRecord(before.toString())).toEqual({ state: "record", attachment: begun });
});

test("a text with any one byte altered is damaged, of an unknown version, or has the same fields; never an exception", () => {
  const text = formatRecord(EVERYTHING);
  for (let at = 0; at < text.length; at++) {
    for (const byte of ['"', "{", "]", ",", "9", "x", "\0"]) {
      const changed = text.slice(0, at) + byte + text.slice(at + 1);
      const { state } = parseRecord(changed);
      expect(["damaged", "record", "unknownVersion"], `${byte} at ${at}`).toContain(state);
      expect(stateWhenWrittenAgain(changed), `${byte} at ${at}`).toBe(state);
    }
  }
});

test.each([0, 3, 4, 99, 2.5])(
  "a text of version %j is of a later Pontoon, whatever else is in it",
  (version) => {
    for (const fields of [JSON.parse(formatRecord(EVERYTHING)) as object, { key: 5 }, {}])
      expect(parseRecord(JSON.stringify({ ...fields, version }))).toEqual({
        state: "unknownVersion",
        version: String(version),
      });
  },
);

const withKind = (kind: unknown): string => {
  const { link, ...fields } = JSON.parse(formatRecord(EVERYTHING)) as { link: object };
  return JSON.stringify({ ...fields, link: { ...link, kind } });
};

test("a whole record with a way of attaching that is not known is of a later Pontoon", () => {
  expect(parseRecord(withKind("tunnel"))).toEqual({
    state: "unknownVersion",
    version: '2 with a link of the kind "tunnel"',
  });
});

test.each(["spoofCheck", "detectsDuplicates", "addresses", "masquerade", "tuning"])(
  "a record with damaged %s is damaged, whatever its way of attaching",
  (field) => {
    const fields = JSON.parse(withKind("tunnel")) as object;
    expect(parseRecord(JSON.stringify({ ...fields, [field]: "x" }))).toEqual({ state: "damaged" });
  },
);

test.each([undefined, 5, "", "a b", "\u001b[2J", "x".repeat(1000)])(
  "a record with %j as the way of attaching is damaged",
  (kind) => {
    expect(parseRecord(withKind(kind))).toEqual({ state: "damaged" });
  },
);

test.each(["eth0", "pontoon", "", "../x"])(
  "a record that names %j as the host's end is damaged: no text has a DEL delete another interface",
  (name) => {
    const { link } = EVERYTHING;
    const altered = formatRecord({ ...EVERYTHING, link: { ...link, host: { ...link.host, name } } });
    expect(parseRecord(altered)).toEqual({ state: "damaged" });
  },
);

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Path = (string | number)[];

/** The record of everything that may be there, as JSON. */
const whole = (): Json =>
  JSON.parse(
    formatRecord({
      ...EVERYTHING,
      link: {
        ...EVERYTHING.link,
        host: { ...EVERYTHING.link.host, isRaisedFirst: true },
        pod: { ...EVERYTHING.link.pod, isRaised: false },
      },
      routes: [{ ...EVERYTHING.routes[0]!, mtu: 1, advmss: 2, priority: 3, table: 4, scope: 5 }],
      hostPorts: {
        ...EVERYTHING.hostPorts!,
        mappings: [{ ...EVERYTHING.hostPorts!.mappings[0]!, hostAddress: "192.168.0.1" }],
        allowListening: true,
        conditions6: EVERYTHING.hostPorts!.conditions4,
      },
    }),
  ) as Json;

/** The way to every value in it. */
function pathsOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

/** The record with another value there, or without one. */
function altered(path: Path, value: Json | undefined): string {
  const fields = whole();
  const holder = path
    .slice(0, -1)
    .reduce<Json>((outer, name) => (outer as { [name: string]: Json })[name]!, fields);
  const name = path.at(-1) ?? "";
  if (value !== undefined) (holder as { [name: string]: Json })[name] = value;
  else if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else delete (holder as { [name: string]: Json })[name];
  return JSON.stringify(fields);
}

function valueAt(path: Path): Json {
  return path.reduce<Json>((outer, name) => (outer as { [name: string]: Json })[name]!, whole());
}

const typeOf = (value: Json): string =>
  value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
const WRONG: Json[] = [null, true, 7, "text", [], [null], {}];
const PATHS = pathsOf(whole());

/** Values that cannot stand there. Of its own type are other texts, numbers and flags, and an empty list. */
function wrongValues(path: Path): Json[] {
  const isOfType = (value: Json): boolean =>
    typeOf(value) === typeOf(valueAt(path)) && (typeof value !== "object" || JSON.stringify(value) === "[]");
  const isVersion = path.join(".") === "version";
  return WRONG.filter((value) => !isOfType(value) && !(isVersion && typeof value === "number"));
}

test.each(PATHS.map((path) => [path.join("."), path] as const))(
  "a record whose %s is of another type is damaged",
  (_, path) => {
    const wrong = wrongValues(path);
    expect(wrong.length).toBeGreaterThan(4);
    for (const value of wrong)
      expect(parseRecord(altered(path, value)), JSON.stringify(value)).toEqual({ state: "damaged" });
  },
);

test.each<[string, Json[]]>([
  ["link.kind", ["a pair", ""]],
  ["link.mtu", [-1, 1.5]],
  ["link.vlans.native", [-1, 1.5]],
  ["link.vlans.tagged.0.first", [-1]],
  ["addresses.0.address", ["", "10.1.0.2", "10.1.0.2/33", "../../x/24", "nonsense"]],
  ["addresses.0.gateway", ["", "10.1.0.1/24", "nonsense"]],
  ["gateway.ofOtherRanges.0", ["", "10.1.0.1", "nonsense"]],
  ["routes.0.dst", ["", "10.1.0.0", "nonsense"]],
  ["routes.0.gw", ["", "nonsense"]],
  ["routes.0.table", [-1, 0.5]],
  ["masquerade.backend", ["ebtables", ""]],
  ["masquerade.subnets.0", ["", "nonsense"]],
  ["ingressPolicy", ["closed", ""]],
  ["tuning.txQueueLength", [-1, 0.5]],
  ["hostPorts.markBit", [-1, 32, 1.5]],
  ["hostPorts.masquerade", ["some"]],
  ["hostPorts.mappings.0.hostPort", [0, 65_536, 1.5]],
  ["hostPorts.mappings.0.protocol", ["icmp"]],
  ["hostPorts.kept.0.port", [0, 65_536, 1.5]],
  ["hostPorts.kept.0.protocol", ["icmp"]],
  ["hostPorts.conditions4.0.field", ["sport"]],
])("a record whose %s is none is damaged", (name, values) => {
  const path = PATHS.find((each) => each.join(".") === name) ?? [];
  expect(path.join(".")).toBe(name);
  for (const value of values)
    expect(parseRecord(altered(path, value)), JSON.stringify(value)).toEqual({ state: "damaged" });
});

/** What a record need not have; whatever is in a list may be missing in it, too. */
const OPTIONAL = [
  ...["pod", "leaseDirectory", "gateway", "masquerade", "ingressPolicy", "bandwidth", "tuning", "hostPorts"],
  ...["detectsDuplicates", "spoofCheck", "addressCheck", "sourceRouting", "link.hasFixedMac"],
  ...["link.vlans", "link.hairpin", "link.isolated", "link.bridge.promiscuous", "link.bridge.filtersVlans"],
  ...["link.host.isRaisedFirst", "link.pod.isDown", "addresses.#.gateway"],
  ...["gw", "mtu", "advmss", "priority", "table", "scope"].map((name) => `routes.#.${name}`),
  ...[
    "gateway.ofOtherRanges",
    "bandwidth.ingress",
    "bandwidth.egress",
    "bandwidth.ifbMac",
    "tuning.txQueueLength",
  ],
  ...["kept", "allowListening", "iptablesChains", "conditions4", "conditions6", "mappings.#.hostAddress"].map(
    (name) => `hostPorts.${name}`,
  ),
];

test("a record without a field that it may lack is one, and without any other field it is damaged", () => {
  const readable = new Set<string>();
  for (const path of PATHS.filter((each) => typeof each.at(-1) === "string")) {
    const { state } = parseRecord(altered(path, undefined));
    expect(["record", "damaged"]).toContain(state);
    const name = path.map((each) => (typeof each === "number" ? "#" : each)).join(".");
    for (const lacking of state === "record" ? [name] : []) readable.add(lacking);
  }
  expect([...readable].sort()).toEqual([...OPTIONAL].sort());
});

test("a record without a part that it may lack tells that it was not asked for", () => {
  const fields = JSON.parse(formatRecord(EVERYTHING)) as Record<string, unknown>;
  const lacking = (name: string) => parseRecord(JSON.stringify({ ...fields, [name]: undefined }));
  for (const name of [
    "gateway",
    "masquerade",
    "addressCheck",
    "ingressPolicy",
    "bandwidth",
    "tuning",
    "hostPorts",
  ])
    expect(lacking(name)).toEqual({ state: "record", attachment: { ...EVERYTHING, [name]: undefined } });
  for (const name of ["detectsDuplicates", "spoofCheck", "sourceRouting"])
    expect(lacking(name)).toEqual({ state: "record", attachment: { ...EVERYTHING, [name]: false } });
});

test.each([
  ["of a node's own pair", { kind: "routedPair" as const, host: EVERYTHING.link.host }],
  ["of a wire", { kind: "wire" as const }],
])("a link %s comes back as it was written", (_, own) => {
  const { pod, mtu } = EVERYTHING.link;
  const attachment: Attachment = { ...EVERYTHING, link: { ...own, pod, mtu } };
  expect(parseRecord(formatRecord(attachment))).toEqual({ state: "record", attachment });
});
