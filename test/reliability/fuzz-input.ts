// What a runtime, a person or another plugin hands over, changed in its structure or in its bytes: the
// configuration on stdin, the environment, and the answer of a foreign IPAM plugin. fast-check makes it, and
// makes it smaller when something is wrong.
import fc from "fast-check";
import { mustSucceed, plugin, pluginEnvironment, type Verb } from "../support/cni.ts";
import { addPlugins, addScript } from "../support/ipam.ts";
import { install, network, pluginInput } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";
import { endAllIn } from "./end.ts";
import type { Bench, Part } from "./part.ts";
import { failureOf } from "./property.ts";
import { READ_ONLY } from "./read-only.ts";

/** How many inputs there are in one case. */
const RUNS = 25;

/** No call takes so long, in milliseconds. */
const LIMIT_MS = 8_000;

const VERBS: readonly Verb[] = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"];

/** What the verbs are called with, before anything is changed. */
const WHOLE = {
  ...network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }).plugins[0],
  name: "pods",
  cniVersion: "1.1.0",
  capabilities: { portMappings: true, ips: true, mac: true, bandwidth: true },
  bridge: "pods0",
  macspoofchk: true,
  ingressPolicy: "isolated",
  ingressRate: 1_000_000,
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
  dns: { nameservers: ["10.1.0.1"], domain: "x", search: ["y"], options: ["z"] },
  args: { cni: { ips: ["10.1.0.77"], mac: "02:00:00:00:00:07" } },
  runtimeConfig: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "" }],
    bandwidth: { ingressRate: 1_000_000, ingressBurst: 1000 },
    ipRanges: [[{ subnet: "10.3.0.0/24" }]],
  },
  prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "eth0" }], ips: [{ address: "10.1.0.9/24" }] },
  "cni.dev/valid-attachments": [{ containerID: "x", ifname: "eth0" }],
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values that programs stumble over. No text of them names a place outside of the throw-away host. */
const ODD = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
  fc.constantFrom<Json>(
    "",
    " ",
    "\0",
    "__proto__",
    "constructor",
    "é".repeat(200),
    "a".repeat(5000),
    "../..",
    "0.0.0.0/0",
    "::/0",
    "10.1.0.0/33",
    "10.1.0.0/31",
    "fd01::/127",
    "255.255.255.255",
    "::ffff:10.1.0.1",
    "1e3",
    "-0",
    "0x10",
    -1,
    0,
    1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e308,
    -1e308,
    4294967295,
    65536,
    null,
    true,
    false,
    [],
    {},
    [[]],
    [{}],
  ),
);

/**
 * A way into the configuration, by numbers that choose a key or an entry at each step, and what is done
 * there.
 */
const CHANGE = fc.record({
  way: fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }),
  how: fc.constantFrom("set", "remove", "add", "double"),
  key: fc.oneof(fc.constantFrom("__proto__", "type", "name", "ipam", "ranges", "vlan", "mtu"), fc.string()),
  value: ODD,
});

interface Input {
  verb: string;
  stdin: string;
  env: Record<string, string>;
}

const structured: fc.Arbitrary<string> = fc
  .array(CHANGE, { minLength: 1, maxLength: 4 })
  .map((changes) => JSON.stringify(changes.reduce(changed, structuredClone(WHOLE) as unknown as Json)));

/** Bytes of the text changed, taken out or put in, at places given as parts of its length. */
const bytewise: fc.Arbitrary<string> = fc
  .tuple(
    structured,
    fc.array(fc.tuple(fc.nat(1000), fc.nat(3), fc.string({ maxLength: 4 })), { maxLength: 4 }),
  )
  .map(([text, cuts]) =>
    cuts.reduce((all, [at, length, inset]) => {
      const place = Math.floor((at / 1000) * all.length);
      return all.slice(0, place) + inset + all.slice(place + length);
    }, text),
  );

const deep = fc
  .tuple(fc.constantFrom("[", '{"a":', '{"ipam":'), fc.integer({ min: 1, max: 100_000 }))
  .map(([opening, times]) => opening.repeat(times));

const CNI_TEXT = fc.oneof(
  fc.string().map((text) => text.replaceAll("\0", "")),
  fc.constantFrom(
    "",
    ".",
    "..",
    "/",
    "a/b",
    "eth0",
    "a".repeat(300),
    "IP=10.1.0.300",
    "MAC=x",
    "A=B;;=;IP=",
    "é\n",
  ),
);

/** The namespace is the pod's, none, or a path in the throw-away host that is none. */
const NETNS = fc.constantFrom(
  "/run/netns/red",
  "",
  "/run/netns/none",
  "/run",
  "/dev/null",
  "relative",
  "/run/netns/red/x",
);

const INPUT: fc.Arbitrary<Input> = fc.record({
  verb: fc.constantFrom<string>(...VERBS, "ADD", "ADD", "add", "X"),
  stdin: fc.oneof(
    { weight: 6, arbitrary: structured },
    { weight: 2, arbitrary: bytewise },
    { weight: 1, arbitrary: deep },
    { weight: 1, arbitrary: fc.string() },
  ),
  env: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.record(
        { CNI_CONTAINERID: CNI_TEXT, CNI_IFNAME: CNI_TEXT, CNI_ARGS: CNI_TEXT, CNI_PATH: CNI_TEXT },
        { requiredKeys: [] },
      ),
    },
    { weight: 1, arbitrary: fc.record({ CNI_NETNS: NETNS }) },
  ) as fc.Arbitrary<Record<string, string>>,
});

/** What a foreign IPAM plugin says, and with which exit status. */
const ANSWER = fc.record({
  status: fc.constantFrom(0, 0, 0, 1, 7, 255),
  text: fc.oneof(
    fc
      .array(CHANGE, { minLength: 1, maxLength: 3 })
      .map((changes) => JSON.stringify(changes.reduce(changed, structuredClone(RESULT) as unknown as Json))),
    fc.string(),
    deep,
  ),
});

const RESULT = {
  cniVersion: "1.0.0",
  ips: [{ address: "10.1.0.7/24", gateway: "10.1.0.1", interface: 0 }, { address: "fd01::7/64" }],
  routes: [{ dst: "10.9.0.0/16", gw: "10.1.0.1", mtu: 1300, priority: 5, table: 100, scope: 0 }],
  dns: { nameservers: ["10.1.0.1"], domain: "x", search: ["y"], options: ["z"] },
  code: 7,
  msg: "no",
  details: "nothing",
};

export const fuzzInput: Part = {
  name: "fuzz-input",
  promise:
    "Whatever stdin and environment hold, a call ends in time with one JSON document, and DEL undoes it.",
  open: () => InputBench.open((bench, seed) => bench.input(seed)),
};

export const fuzzForeign: Part = {
  name: "fuzz-foreign",
  promise: "Whatever a foreign IPAM plugin says, ADD takes it or refuses it in time, and DEL undoes it.",
  open: () => InputBench.open((bench, seed) => bench.answer(seed)),
};

/** Plays the inputs of one seed. */
type Kind = (bench: InputBench, seed: number) => Promise<string[]>;

class InputBench implements Bench {
  calls = 0;
  readonly #world: World;
  readonly #pod: Pod;
  readonly #baseline: Snapshot;
  readonly #kind: Kind;

  static async open(kind: Kind): Promise<InputBench> {
    const world = await openWorld();
    addPlugins(world, "host-local");
    // Files of the machine can be read, and not one of them written.
    await world.host.must(["sh", "-c", READ_ONLY]);
    install(world, network("pods"));
    const pod = await world.pod("red");
    const call = { network: network("pods"), pod, stdin: JSON.stringify(WHOLE) };
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(world, verb, call));
    return new InputBench(world, { pod, baseline: await snapshot(world), kind });
  }

  private constructor(world: World, { pod, baseline, kind }: { pod: Pod; baseline: Snapshot; kind: Kind }) {
    this.#world = world;
    this.#pod = pod;
    this.#baseline = baseline;
    this.#kind = kind;
  }

  play(name: string): Promise<string[]> {
    return this.#kind(this, Number(name) | 0);
  }

  async input(seed: number): Promise<string[]> {
    const property = fc.asyncProperty(INPUT, (input) => this.#tryInput(input));
    return shown(await fc.check(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: 60_000 }));
  }

  async answer(seed: number): Promise<string[]> {
    const property = fc.asyncProperty(ANSWER, (answer) => this.#tryAnswer(answer));
    return shown(await fc.check(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: 60_000 }));
  }

  async #tryInput({ verb, stdin, env }: Input): Promise<void> {
    const outcome = await this.#call(verb, stdin, env);
    judge(outcome);
    if (outcome.status !== 0 || verb !== "ADD") return;
    // The runtime has the configuration that the ADD had, whatever is in it.
    mustSucceed(await this.#call("DEL", stdin, env));
    this.#mustBeClean(await snapshot(this.#world));
  }

  async #tryAnswer({ status, text }: { status: number; text: string }): Promise<void> {
    this.#world.write("/run/world/answer", text);
    addScript(
      this.#world,
      "teller",
      `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] || exit 0\ncat /run/world/answer\nexit ${status}\n`,
    );
    const conflist = network("pods", { ipam: { type: "teller" }, isDefaultGateway: true });
    const stdin = pluginInput(conflist);
    judge(await this.#call("ADD", stdin, {}));
    mustSucceed(await this.#call("DEL", stdin, {}));
    this.#mustBeClean(await snapshot(this.#world));
  }

  async #call(verb: string, stdin: string, env: Record<string, string>): Promise<Outcome> {
    this.calls += 1;
    const environment = {
      ...pluginEnvironment("ADD", { network: network("pods"), pod: this.#pod, containerId: "red" }),
      CNI_COMMAND: verb,
      ...env,
    };
    return this.#world.host.exec([`${PLUGIN_FOLDER}/pontoon`], {
      env: environment,
      stdin,
      timeoutMs: LIMIT_MS,
    });
  }

  /** What pods have is gone. Bridges, chains and folders of another name may stay. */
  #mustBeClean(now: Snapshot): void {
    const left = now.minus(this.#baseline).added.attachments.lines;
    if (left.length > 0) throw new Error(`left: ${left.join("\n")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAllIn(this.#world);
    await this.#world[Symbol.asyncDispose]();
  }
}

/** Throws when a call did not end as calls have to. */
function judge({ status, stdout, stderr }: Outcome): void {
  if (status === undefined || status > 1) throw new Error(`exit status ${status}: ${stdout}${stderr}`);
  const document = stdout === "" ? {} : (JSON.parse(stdout) as { code?: number });
  if (status === 1 && document.code === undefined) throw new Error(`no error object: ${stdout}`);
  if (document.code === 999 && !stdout.includes("more memory")) throw new Error(stdout);
}

function shown<T>(details: fc.RunDetails<T>): string[] {
  const failure = failureOf(details);
  if (failure === undefined) return [];
  return [`${failure.why}\nsmallest input: ${JSON.stringify(failure.smallest).slice(0, 3000)}`];
}

/** Makes one change where the numbers lead. */
function changed(
  json: Json,
  { way, how, key, value }: { way: number[]; how: string; key: string; value: Json },
): Json {
  const [step, ...rest] = way;
  if (json === null || typeof json !== "object") return how === "remove" ? json : value;
  const keys = Object.keys(json);
  if (step === undefined || keys.length === 0) return value;
  const at = keys[step % keys.length]!;
  const copy = (Array.isArray(json) ? [...json] : { ...json }) as Record<string, Json>;
  const isHere = rest.length === 0 || copy[at] === null || typeof copy[at] !== "object";
  if (!isHere) copy[at] = changed(copy[at]!, { way: rest, how, key, value });
  else if (how === "remove") Array.isArray(copy) ? copy.splice(Number(at), 1) : delete copy[at];
  else if (how === "add")
    Array.isArray(copy)
      ? copy.push(value)
      : Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
  else copy[at] = how === "double" ? ([copy[at], copy[at]] as Json) : value;
  return copy as Json;
}
