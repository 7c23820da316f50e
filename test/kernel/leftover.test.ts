// What a GC without records finds of a network: in the tables that check source MAC addresses and masquerade,
// and on its bridge.
import { expect, test } from "vitest";
import { hostInterfaceName } from "../../src/attachment/name.ts";
import { listPortsLike } from "../../src/host/bridge-ports.ts";
import { removeStaleElements } from "../../src/host/stranger/leftover.ts";
import { changeLinkMessage } from "../../src/net/link-change.ts";
import { Netns } from "../support/netns.ts";
import { onNode } from "./attach.ts";
import { attachment, Ruleset } from "./masquerade.ts";
import { checked, SpoofChecks } from "./spoof-check.ts";

const LONG = "n".repeat(93);
const PLACE = { network: "net", bridge: "br0" };

test.each([
  ["of the network and nobody's", "net", ["1"], ["veth22222222222", "veth33333333333"]],
  [
    "of the network, but not those that are in use",
    "net",
    ["2", "3"],
    ["veth11111111111", "veth22222222222", "veth33333333333"],
  ],
  [
    "of a network with the longest name that a comment has room for",
    `${LONG}`,
    [],
    ["veth11111111111", "veth22222222222", "veth33333333333"],
  ],
])("elements %s go", (_, network, stale, left) => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (const each of [
    checked("1"),
    checked("2", { network: "net2" }),
    checked("3", { network: "other" }),
    checked("4", { network: LONG }),
  ])
    checks.put(each);
  collect(host, network, (owner) => stale.length === 0 || stale.some((digit) => owner.startsWith(digit)));
  expect(namesOf(checks, "guarded")).toEqual(network === LONG ? left : [...left, "veth44444444444"]);
  expect(namesOf(checks, "source")).toEqual(namesOf(checks, "guarded"));
});

test("nothing goes of a network whose name is cut in the comment: it could be another one's", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(checked("1", { network: `${LONG}nA` }));
  for (const network of [`${LONG}nA`, `${LONG}nB`, `${LONG}n`, LONG]) collect(host, network, () => true);
  expect(checks.elements("guarded")).toHaveLength(1);
});

test("what is masqueraded for a network whose name goes on after a dash stays", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(attachment({ owner: "1", addresses: ["10.1.0.2"] }));
  ruleset.put(
    attachment({ owner: "2", network: "net-blue", gatewayInterface: "br1", addresses: ["10.1.0.3"] }),
  );
  collect(host, "net", () => true);
  expect(ruleset.elements("net4")).toEqual([
    expect.stringMatching(/^10\.1\.0\.3 net-net-blue-[0-9a-f]{8} \(net-blue c2 eth0\)$/),
  ]);
  expect(ruleset.chains()).toEqual([expect.stringMatching(/^net-net-blue-/), "postrouting"]);
});

test("a port of the bridge is known by its alias and its name together: one that only reads like ours is somebody else's", () => {
  using host = Netns.open();
  const key = { network: "net", containerId: "c1", interfaceName: "eth0" };
  host.run("ip link add br0 type bridge");
  for (const [name, alias] of [
    [hostInterfaceName(key), "pontoon net c1 eth0"],
    ["theirs", "pontoon net c1 eth0"],
    [hostInterfaceName({ ...key, containerId: "c2" }), "pontoon other c2 eth0"],
  ]) {
    host.run(`ip link add ${name} master br0 type veth peer name ${name!.slice(-4)}-peer`);
    host.links.execute([changeLinkMessage({ name: name! }, { alias: alias! }, "name it")]);
  }
  onNode(host, (node) => {
    expect(listPortsLike(PLACE, () => true, node)).toEqual([hostInterfaceName(key)]);
    expect(listPortsLike(PLACE, ({ containerId }) => containerId !== "c1", node)).toEqual([]);
  });
});

function collect(host: Netns, network: string, isStale: (owner: string) => boolean): void {
  onNode(host, (node) => removeStaleElements(network, isStale, node));
}

function namesOf(checks: SpoofChecks, set: string): string[] {
  return checks.elements(set).map((element) => element.slice(0, element.indexOf(" ")));
}
