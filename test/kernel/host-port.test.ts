// The ruleset of host ports: word for word as `nft` lists it, who may have a port, and what is put back when
// it is lost.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Message } from "../../src/netlink/socket.ts";
import { ensureHostPorts, missingPortParts } from "../../src/nft/host-port.ts";
import { Netns } from "../support/netns.ts";
import { hostPorts, PortRules } from "./host-port.ts";
import { refusal } from "./scene.ts";

const limited = readFileSync(new URL("golden/host-port-conditions.nft", import.meta.url), "utf8");
const golden = readFileSync(new URL("golden/host-ports.nft", import.meta.url), "utf8");

/** One element in each map: the kernel lists several in an order of its own. */
const ONE_OF_EACH = hostPorts({
  owner: "1",
  ports: [
    "tcp any 8080 10.1.0.2 80",
    "udp any 8080 fd01::2 80",
    "tcp 192.168.50.1 9090 10.1.0.2 80",
    "sctp fd50::1 9090 fd01::2 80",
    "udp any 5000-5100 10.1.0.2 5000",
    "tcp fd50::1 6000-6010 fd01::2 6000",
  ],
});
const ALL = hostPorts({ owner: "2", network: "other", masquerade: "all", ports: [] });

test("the table is as the golden text says", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(ONE_OF_EACH);
  rules.put(ALL);
  expect(rules.text).toBe(golden);
});

test("`nft` loads the golden text, lists it unchanged, and compiles it to the same instructions", () => {
  using ours = Netns.open();
  using theirs = Netns.open();
  theirs.run("nft -f -", golden);
  expect(theirs.run("nft list table inet pontoon-ports")).toBe(golden);
  const rules = new PortRules(ours);
  rules.put(ONE_OF_EACH);
  rules.put(ALL);
  expect(instructions(ours)).toEqual(instructions(theirs));
});

const LIMITED = hostPorts({
  owner: "1",
  masquerade: "nobody",
  conditions: [
    "4 daddr != 192.0.2.0/24",
    "4 saddr 10.0.0.0/9",
    "4 iifname eth*",
    "6 iifname != eth0",
    "6 saddr fd00::7/128",
  ],
  ports: ["udp any 5000-5100 10.1.0.2 5000", "tcp any 8080 10.1.0.2 80", "sctp fd50::1 9090 fd01::2 80"],
});

test("ports with conditions lead to a chain of their own, word for word, that `nft` compiles to the same instructions", () => {
  using ours = Netns.open();
  using theirs = Netns.open();
  const rules = new PortRules(ours);
  rules.put(LIMITED);
  const chains = /\tchain where[^}]*\}\n/g;
  expect(rules.text.match(chains)?.join("")).toBe(limited);
  expect(rules.text).toContain(
    'elements = { 0.0.0.0/0 . udp . 5000-5100 comment "11111111111111111111111111111111 net c1 eth0" : goto where4-',
  );
  expect(rules.text).toContain(
    'elements = { fd50::1 . sctp . 9090 comment "11111111111111111111111111111111 net c1 eth0" : goto where6-',
  );
  expect(rules.text).toContain(
    'elements = { tcp . 8080 comment "11111111111111111111111111111111 net c1 eth0" : goto where4-',
  );
  theirs.run("nft -f -", rules.text);
  expect(instructions(theirs)).toEqual(instructions(ours));
});

test("the chain of conditions is shared, put back when it is lost, and goes with the last port that has them", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const conditions = ["4 saddr 10.0.0.0/8"];
  const [first, second] = [
    hostPorts({ owner: "1", conditions, ports: ["tcp any 8080 10.1.0.2 80"] }),
    hostPorts({ owner: "2", network: "other", conditions, ports: ["tcp any 8081 10.1.0.3 80"] }),
  ];
  const chains = (): string[] => rules.text.match(/chain where\S+/g) ?? [];
  rules.put(first);
  rules.put(second);
  expect(chains()).toHaveLength(1);
  const { elements } = rules;
  host.run(`nft flush ${chains()[0]!.replace("chain ", "chain inet pontoon-ports ")}`);
  expect(host.inside(() => missingPortParts(host.rules, first))).toEqual([
    chains()[0]!.replace("chain ", ""),
  ]);
  rules.put(first);
  expect([host.inside(() => missingPortParts(host.rules, first)), rules.elements]).toEqual([[], elements]);
  rules.take(first);
  expect(chains()).toHaveLength(1);
  rules.take(second);
  expect(chains()).toEqual([]);
});

test.each([[["4 saddr 10.2.0.0/16"]], [[]]])(
  "a dead holder's conditions do not stay with a port that another one takes, whatever the rows were: %j",
  (conditions) => {
    using host = Netns.open();
    const rules = new PortRules(host);
    rules.put(
      hostPorts({
        owner: "1",
        conditions: ["4 saddr 10.0.0.0/8"],
        ports: ["tcp any 8000-8100 10.1.0.2 8000"],
      }),
    );
    rules.dead.add("1");
    const next = hostPorts({ owner: "2", conditions, ports: ["tcp any 8050 10.1.0.3 80"] });
    rules.put(next);
    expect(rules.has(next)).toBe(true);
    expect(rules.elements.filter((line) => !line.includes("net c2 eth0"))).toEqual([]);
  },
);

test.each([
  "nft flush table inet pontoon-ports",
  "nft delete element inet pontoon-ports any4 { tcp . 8080 }",
])('what "%s" left of a dead holder\'s conditions does not limit the next holder either', (harm) => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(
    hostPorts({ owner: "1", conditions: ["4 saddr 10.0.0.0/8"], ports: ["tcp any 8080 10.1.0.2 80"] }),
  );
  host.run(harm);
  rules.dead.add("1");
  rules.put(hostPorts({ owner: "2", ports: ["tcp 192.168.50.1 8080 10.1.0.3 80"] }));
  expect(rules.elements.filter((line) => line.includes("where"))).toEqual([]);
});

test("a port is never without its conditions, in however many batches it comes and goes", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const row = hostPorts({
    owner: "1",
    conditions: ["4 saddr 10.0.0.0/8"],
    ports: ["tcp any 1000-1499 10.1.0.2 2000"],
  });
  const batches: Message[][] = [];
  const { batch } = host.rules;
  host.rules.batch = (begin, messages, end) => {
    batches.push(messages);
    return batch.call(host.rules, begin, messages, end);
  };
  rules.put(row);
  rules.take(row);
  const open = new Map<string, number>();
  for (const messages of batches) {
    for (const { what } of messages) {
      const [, verb = "", map = ""] = /^(add|delete) an element (?:to|of) (\S+)$/.exec(what) ?? [];
      if (map !== "") open.set(map, (open.get(map) ?? 0) + (verb === "add" ? 1 : -1));
    }
    expect(open.get("any4") ?? 0).toBeLessThanOrEqual(open.get("where-any4") ?? 0);
  }
  expect(batches.length).toBeGreaterThan(8);
  expect(open.get("any4")).toBe(0);
});

test.each([
  ["4 iifname *"],
  ["4 iifname a-name-of-16-byt"],
  ["4 iifname e*h*"],
  ["4 saddr fd00::/8"],
  ["4 saddr nothing"],
])(
  "a condition that nobody would write, %s, in a record that was altered by hand, is met by nobody",
  (condition) => {
    using host = Netns.open();
    const rules = new PortRules(host);
    rules.put(hostPorts({ owner: "1", conditions: [condition], ports: ["tcp any 8080 10.1.0.2 80"] }));
    expect(rules.text).toMatch(/chain where4-\w+ \{\n\t\tgoto unmark\n\t\tgoto translate\n/);
  },
);

test("a table of before, without conditions, is made whole with all that is in it", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(ONE_OF_EACH);
  const { text } = rules;
  host.run("nft flush chain inet pontoon-ports hostports-13");
  host.run("nft flush chain inet pontoon-ports translate");
  for (const name of [
    "map inet pontoon-ports where-any4",
    "map inet pontoon-ports where-range6",
    "chain inet pontoon-ports translate",
  ])
    host.run(`nft delete ${name}`);
  rules.others.push(ONE_OF_EACH);
  rules.put(ONE_OF_EACH);
  const sorted = (all: string): string[] => all.split("\n").sort();
  expect(sorted(rules.text)).toEqual(sorted(text));
});

test("doing it again changes nothing", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(ONE_OF_EACH);
  const { text } = rules;
  for (let count = 0; count < 3; count++) rules.put(ONE_OF_EACH);
  expect(rules.text).toBe(text);
});

/** Who holds what, and who is refused beside it. */
const CLASHES = [
  { name: "the same port", held: "tcp any 8080 10.1.0.2 80", wanted: "tcp any 8080 10.1.0.3 81" },
  {
    name: "the same port of one address",
    held: "tcp 192.168.50.1 8080 10.1.0.2 80",
    wanted: "tcp 192.168.50.1 8080 10.1.0.3 80",
  },
  {
    name: "one address beside all of them",
    held: "tcp any 8080 10.1.0.2 80",
    wanted: "tcp 192.168.50.1 8080 10.1.0.3 80",
  },
  {
    name: "all addresses beside one",
    held: "tcp 192.168.50.1 8080 10.1.0.2 80",
    wanted: "tcp any 8080 10.1.0.3 80",
  },
  { name: "a port in a row", held: "tcp any 8000-8100 10.1.0.2 8000", wanted: "tcp any 8080 10.1.0.3 80" },
  {
    name: "a row around a port",
    held: "tcp any 8080 10.1.0.2 80",
    wanted: "tcp any 8000-8100 10.1.0.3 8000",
  },
  {
    name: "a row around a port of one address",
    held: "tcp 192.168.50.1 8080 10.1.0.2 80",
    wanted: "tcp any 8000-8100 10.1.0.3 8000",
  },
  {
    name: "a row of other numbers",
    held: "tcp any 8000-8100 10.1.0.2 9000",
    wanted: "tcp any 8100 10.1.0.3 80",
  },
  {
    name: "two rows that overlap",
    held: "tcp any 8000-8100 10.1.0.2 8000",
    wanted: "tcp any 8100-8200 10.1.0.3 8100",
  },
  {
    name: "a row within a row of one address",
    held: "tcp 192.168.50.1 8000-8100 10.1.0.2 8000",
    wanted: "tcp any 8050-8060 10.1.0.3 8050",
  },
  {
    name: "a row of one address around a row of it",
    held: "tcp 192.168.50.1 8050-8060 10.1.0.2 8050",
    wanted: "tcp 192.168.50.1 8000-8100 10.1.0.3 8000",
  },
  {
    name: "a row of one address around a row of all",
    held: "tcp any 8050-8060 10.1.0.2 8050",
    wanted: "tcp 192.168.50.1 8000-8100 10.1.0.3 8000",
  },
  {
    name: "a row of other numbers around a row",
    held: "tcp any 8050-8060 10.1.0.2 8050",
    wanted: "tcp 192.168.50.1 8000-8100 10.1.0.3 9000",
  },
  {
    name: "a row of thousands around a port",
    held: "tcp any 8080 10.1.0.2 80",
    wanted: "tcp any 1000-9000 10.1.0.3 1000",
  },
  {
    name: "a row of thousands of one address around a port of it",
    held: "tcp 192.168.50.1 8080 10.1.0.2 80",
    wanted: "tcp 192.168.50.1 1000-9000 10.1.0.3 1000",
  },
  {
    name: "IPv6, a row around a port of one address",
    held: "tcp fd50::1 8080 fd01::2 80",
    wanted: "tcp any 8000-8100 fd01::3 8000",
  },
  { name: "IPv6", held: "udp any 53 fd01::2 53", wanted: "udp fd50::1 53 fd01::3 53" },
];

test.each(CLASHES)(
  "$name: refused with the holder's name, and nothing changes; a dead holder gives way",
  ({ held, wanted }) => {
    using host = Netns.open();
    const rules = new PortRules(host);
    const [holder, other] = [
      hostPorts({ owner: "1", ports: [held] }),
      hostPorts({ owner: "2", ports: ["udp any 7 10.1.0.3 7", wanted] }),
    ];
    rules.put(holder);
    const before = rules.text;
    expect(refusal(() => rules.put(other))).toMatchObject({ errno: 98, kernelText: "net c1 eth0" });
    expect(rules.text).toBe(before);
    rules.dead.add("1");
    rules.put(other);
    expect([rules.has(holder), rules.has(other)]).toEqual([false, true]);
    // Its DEL comes late, and takes nothing from the new holder.
    rules.take(holder);
    expect(rules.has(other)).toBe(true);
  },
);

test.each([
  ["tcp any 8080 10.1.0.2 80", "udp any 8080 10.1.0.3 80"],
  ["tcp any 8080 10.1.0.2 80", "tcp any 8081 10.1.0.3 80"],
  ["tcp any 8080 10.1.0.2 80", "tcp any 8080 fd01::3 80"],
  ["tcp 192.168.50.1 8080 10.1.0.2 80", "tcp 192.168.50.9 8080 10.1.0.3 80"],
  ["tcp any 8000-8099 10.1.0.2 8000", "tcp any 8100-8200 10.1.0.3 8100"],
])("%s and %s go together, and one's DEL leaves the other", (one, other) => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const [first, second] = [
    hostPorts({ owner: "1", ports: [one] }),
    hostPorts({ owner: "2", ports: [other] }),
  ];
  rules.put(first);
  rules.put(second);
  expect(rules.take(first)).toBe(true);
  expect([rules.has(first), rules.has(second)]).toEqual([false, true]);
  expect(rules.take(second)).toBe(true);
  expect(rules.elements).toEqual([]);
  expect(rules.text).not.toContain("net-net-");
});

test("an ADD does not read other pods' ports: all ports of an address are asked for one by one, and of what most do not have the list is short", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(ONE_OF_EACH);
  const listed = (owner: string, ports: string[]): string[] => {
    const lists: string[] = [];
    const dump = host.rules.dump.bind(host.rules);
    host.rules.dump = (message) => {
      lists.push(message.what);
      return dump(message);
    };
    rules.put(hostPorts({ owner, ports }));
    host.rules.dump = dump;
    return lists.filter((what) => /any|one|range/.test(what)).sort();
  };
  expect(listed("4", ["tcp any 1 10.1.0.4 80"])).toEqual(["list one4", "list range4"]);
  expect(listed("5", ["tcp any 2-3 10.1.0.5 2", "tcp any 4-5 10.1.0.5 80"])).toEqual([
    "list one4",
    "list range4",
  ]);
  expect(listed("6", ["tcp 192.168.50.1 6 10.1.0.6 80", "tcp 192.168.50.1 7-8 10.1.0.6 7"])).toEqual([]);
});

test("two living pods with one address cannot both have host ports: the node has one way to it", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(hostPorts({ owner: "1", ports: ["tcp any 8080 10.1.0.2 80"] }));
  expect(
    refusal(() =>
      rules.put(hostPorts({ owner: "2", network: "other", ports: ["tcp any 8081 10.1.0.2 80"] })),
    ),
  ).toMatchObject({ errno: 98, kernelText: "net c1 eth0" });
});

const LOSSES = [
  ["the whole table", "nft delete table inet pontoon-ports", ["table", "net"]],
  ["all rules", "nft flush table inet pontoon-ports", ["table", "net"]],
  ["the guard", "nft flush chain inet pontoon-ports guard", ["table"]],
  ["a base chain", "nft flush chain inet pontoon-ports prerouting", ["table"]],
  ["a rule too many", "nft insert rule inet pontoon-ports postrouting accept", ["table"]],
] as const;

test.each(LOSSES)(
  "%s is lost: noticed, and put back by the next ADD with everybody's elements",
  (_, command, missing) => {
    using host = Netns.open();
    const rules = new PortRules(host);
    const other = hostPorts({ owner: "2", network: "other", ports: ["tcp any 8081 10.2.0.2 80"] });
    const dead = hostPorts({ owner: "3", network: "dead", ports: ["tcp any 8082 10.3.0.2 80"] });
    for (const each of [ONE_OF_EACH, other]) rules.put(each);
    const whole = sorted(rules.text);
    host.run(command);
    expect(missingPortParts(host.rules, ONE_OF_EACH).map((part) => part.split("-")[0])).toEqual(missing);
    rules.others.push(other, dead);
    rules.dead.add("3");
    rules.put(ONE_OF_EACH);
    expect(sorted(rules.text)).toEqual(whole);
  },
);

test("an ADD that dies while it puts back leaves the loss to be noticed by the next one", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const other = hostPorts({ owner: "2", network: "other", ports: ["tcp any 8081 10.2.0.2 80"] });
  rules.others.push(other, {
    ...other,
    get mappings(): never {
      throw new Error("killed");
    },
  });
  expect(() => rules.put(ONE_OF_EACH)).toThrow("killed");
  rules.others.pop();
  rules.put(ONE_OF_EACH);
  expect([rules.has(ONE_OF_EACH), rules.has(other)]).toEqual([true, true]);
  expect(missingPortParts(host.rules, ONE_OF_EACH)).toEqual([]);
});

test("an attachment that dies while it is put back takes no chain along that others need", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const conditions = ["4 saddr 10.0.0.0/8"];
  const [dying, living] = [
    hostPorts({ owner: "2", network: "other", conditions, ports: ["tcp any 8081 10.2.0.2 80"] }),
    hostPorts({ owner: "3", network: "other", conditions, ports: ["tcp any 8082 10.2.0.3 80"] }),
  ];
  rules.others.push(dying, living);
  let asked = 0;
  const isAlive = (owner: string): boolean => owner !== dying.owner || ++asked === 1;
  ensureHostPorts(host.rules, ONE_OF_EACH, { ...rules.node, isAlive });
  expect([dying, living, ONE_OF_EACH].map((each) => rules.has(each))).toEqual([false, true, true]);
  expect(missingPortParts(host.rules, living)).toEqual([]);
});

test("one node, one bit: another one is refused while there are host ports, and taken when there are none", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const first = hostPorts({ owner: "1", ports: ["tcp any 8080 10.1.0.2 80"] });
  const second = hostPorts({ owner: "2", ports: ["tcp any 8081 10.1.0.3 80"], markBit: 31 });
  rules.put(first);
  expect(refusal(() => rules.put(second))).toMatchObject({
    errno: 16,
    kernelText: "host ports of this node are marked with bit 13, as those of net c1 eth0",
  });
  rules.take(first);
  rules.put(second);
  expect(rules.text).toContain("meta mark set meta mark | 0x80000000");
  expect(rules.text).not.toContain("hostports-13");
});

test("what a killed DEL left of a network's chain does not stay behind when the bit becomes another one", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  rules.put(hostPorts({ owner: "1", ports: ["tcp any 8080 10.1.0.2 80"] }));
  for (const map of ["any4", "hairpin4"]) host.run(`nft flush map inet pontoon-ports ${map}`);
  const next = hostPorts({ owner: "2", ports: ["tcp any 8080 10.1.0.3 80"], markBit: 31 });
  rules.put(next);
  expect([rules.has(next), missingPortParts(host.rules, next)]).toEqual([true, []]);
});

test("two thousand ports that become other ones are there, and go", () => {
  using host = Netns.open();
  const rules = new PortRules(host);
  const many = hostPorts({ owner: "1", ports: ["udp any 10000-11999 10.1.0.2 20000"] });
  rules.put(many);
  rules.put(many);
  expect(rules.has(many)).toBe(true);
  expect(rules.take(many)).toBe(true);
  expect(rules.elements).toEqual([]);
});

/**
 * What the kernel runs for each rule, in order. What nft adds to a protocol in an interval map has no effect:
 * it turns half a unit of two bytes.
 */
function instructions(netns: Netns): string[] {
  const lines = netns.run("nft --debug=netlink list table inet pontoon-ports").split("\n");
  return lines
    .filter((line) => /^\s+\[ /.test(line) && !line.includes("byteorder"))
    .map((line) => line.trim());
}

function sorted(text: string): string[] {
  return text
    .split("\n")
    .map((line) =>
      line
        .replace("elements = {", "")
        .replace(/[},\s]+$/, "")
        .trim(),
    )
    .filter((line) => line !== "")
    .flatMap((line) => line.split(/, (?=10\.)/))
    .sort();
}
