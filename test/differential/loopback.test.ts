// The plugin `loopback`, ours and the reference's: the same result and the same interface in every version,
// with IPv6 and without.
import { describe, expect, test } from "vitest";
import { freshPod, isUp, type LoopbackCall, loopback, VERSIONS } from "../support/loopback.ts";
import type { Outcome } from "../support/process.ts";
import { openWorld, type Pod, type World } from "../support/world.ts";

/** The facts of one life: each call's end and answer, and the interface behind it. */
type Life = (world: World, pod: Pod, call: LoopbackCall) => Promise<unknown[]>;

const PREVIOUS = {
  ips: [
    { version: "4", interface: 0, address: "10.1.0.2/24", gateway: "10.1.0.1" },
    { version: "6", interface: 0, address: "fd01::2/64" },
  ],
  interfaces: [{ name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/red" }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }, { dst: "::/0" }],
  dns: { nameservers: ["10.1.0.1"], search: ["a.example"] },
};
const OLD_PREVIOUS = {
  ip4: { ip: "10.1.0.2/24", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }] },
  ip6: { ip: "fd01::2/64" },
  dns: {},
};

/** States of a pod before the first call. */
const STATES: Record<string, { commands: string[]; hasPrevious?: true }> = {
  "a fresh pod": { commands: [] },
  "lo is up": { commands: ["ip link set lo up"] },
  "IPv6 is off": { commands: ["sysctl -qw net.ipv6.conf.all.disable_ipv6=1"] },
  "IPv6 is off and lo up": {
    commands: ["sysctl -qw net.ipv6.conf.all.disable_ipv6=1", "ip link set lo up"],
  },
  "lo has other addresses of a loopback": {
    commands: ["ip address add 127.9.0.1/16 dev lo", "ip address add 127.0.0.1/8 dev lo"],
  },
  "an IPv4 address is foreign": { commands: ["ip link set lo up", "ip address add 10.9.0.1/24 dev lo"] },
  "an IPv6 address is foreign": { commands: ["ip link set lo up", "ip address add fd09::1/64 dev lo"] },
  "a plugin before it has a result": { commands: [], hasPrevious: true },
};

/** ADD, CHECK, a CHECK of a lo that is down, DEL, and a DEL once more. */
const life: Life = async (world, pod, call) => {
  const facts: unknown[] = [];
  const say = async (verb: "ADD" | "CHECK" | "DEL", more: LoopbackCall = {}) =>
    facts.push(verb, factsOf(await loopback(world, verb, { ...call, pod, ...more })), await isUp(pod));
  await say("ADD");
  facts.push(await pod.must("ip -brief address show dev lo"));
  await say("CHECK");
  await pod.must("ip link set lo down");
  await say("CHECK");
  await say("DEL");
  await pod.must("ip link set lo up");
  await say("DEL");
  await say("DEL", { netns: "" });
  await say("DEL", { netns: "/run/netns/gone" });
  return facts;
};

/** Of an error the words alone: the reference has one code for all, and no version. */
function factsOf({ status, stdout }: Outcome): unknown {
  if (stdout === "") return { status };
  const answer = JSON.parse(stdout) as Answer;
  return status === 0 ? { status, answer } : { status, msg: answer.msg };
}

interface Answer {
  cniVersion: string;
  msg?: string;
  interfaces?: unknown[];
  ips?: { address: string }[];
}

/**
 * The reference's facts with its result in the shape of the version. The reference prints the shape of 1.0.0
 * in every version where no plugin was before it: its result bears the wanted version from the start, so its
 * library does not convert it. Runtimes read the shape of the version (CNI specification, "Result").
 */
function inShape(cniVersion: string, facts: unknown[]): unknown[] {
  const [verb, first, ...others] = facts as [string, { answer?: Answer }];
  const { answer } = first;
  if (cniVersion.startsWith("1.") || answer === undefined) return facts;
  const { interfaces, ips = [] } = answer;
  expect(answer).toEqual({ cniVersion, interfaces, ips });
  const family = (address: string): string => (address.includes(":") ? "6" : "4");
  const isPerFamily = ["0.1.0", "0.2.0"].includes(cniVersion);
  const shaped = isPerFamily
    ? Object.fromEntries(ips.map(({ address }) => [`ip${family(address)}`, { ip: address }]))
    : { interfaces, ips: ips.map((ip) => ({ ...ip, version: family(ip.address) })) };
  return [verb, { ...first, answer: { cniVersion, ...shaped, dns: {} } }, ...others];
}

describe.each(VERSIONS)("version %s", (cniVersion) => {
  test.each(Object.entries(STATES))("%s", { timeout: 30_000 }, async (_, { commands, hasPrevious }) => {
    const isOld = cniVersion.startsWith("0.1") || cniVersion.startsWith("0.2");
    const prevResult = hasPrevious && { cniVersion, ...(isOld ? OLD_PREVIOUS : PREVIOUS) };
    const [ours = [], reference = []] = await Promise.all(
      [false, true].map(async (isReference) => {
        await using world = await openWorld();
        const red = await freshPod(world, "red");
        for (const command of commands) await red.must(command);
        return await life(world, red, { cniVersion, prevResult, isReference });
      }),
    );
    expect(ours).toEqual(hasPrevious ? reference : inShape(cniVersion, reference));
  });
});

test.each(["VERSION", "GC", "STATUS"] as const)("%s answers the same", { timeout: 30_000 }, async (verb) => {
  await using world = await openWorld();
  for (const cniVersion of ["1.0.0", "1.1.0", "1.2.0"]) {
    const ours = factsOf(await loopback(world, verb, { cniVersion }));
    expect(ours).toEqual(factsOf(await loopback(world, verb, { cniVersion, isReference: true })));
  }
});
