// The rules of a network as text, and the names of its chains.
import { expect, test } from "vitest";
import { parsePrefix } from "../../../src/ip/prefix.ts";
import { chainPrefix, networkChains, restoreLines, usesOf } from "../../../src/iptables/network-chain.ts";

const prefixes = (...texts: string[]) => texts.map((text) => parsePrefix(text)!);

test("a chain for each family, all subnets inside before anything is masqueraded, and a way there from each", () => {
  const [four, six, ...others] = networkChains("pods", prefixes("10.1.0.7/24", "fd01::/64", "10.2.0.0/16"));
  expect(others).toEqual([]);
  expect(restoreLines(four!, true)).toEqual([
    `:${four!.name} - [0:0]`,
    `-A ${four!.name} -d 10.1.0.0/24 -m comment --comment "name: \\"pods\\"" -j RETURN`,
    `-A ${four!.name} -d 10.2.0.0/16 -m comment --comment "name: \\"pods\\"" -j RETURN`,
    `-A ${four!.name} -d 224.0.0.0/4 -m comment --comment "name: \\"pods\\"" -j RETURN`,
    `-A ${four!.name} -m comment --comment "name: \\"pods\\"" -j MASQUERADE --random-fully`,
    `-A POSTROUTING -s 10.1.0.0/24 -m comment --comment "name: \\"pods\\"" -j ${four!.name}`,
    `-A POSTROUTING -s 10.2.0.0/16 -m comment --comment "name: \\"pods\\"" -j ${four!.name}`,
  ]);
  expect(restoreLines(six!, false).filter((line) => /MASQUERADE|ff00/.test(line))).toEqual([
    `-A ${six!.name} -d ff00::/8 -m comment --comment "name: \\"pods\\"" -j RETURN`,
    `-A ${six!.name} -m comment --comment "name: \\"pods\\"" -j MASQUERADE`,
  ]);
});

test("the number that tells whether a chain is whole counts its rules and those that lead to it", () => {
  for (const chain of networkChains("pods", prefixes("10.1.0.0/24", "fd01::/64", "10.2.0.0/16"))) {
    expect(usesOf(chain)).toBe(restoreLines(chain, true).length - 1);
  }
});

test("names have the 28 characters that iptables takes, whatever the network, and say which network and subnets they are for", () => {
  const nameOf = (network: string, ...subnets: string[]): string =>
    networkChains(network, prefixes(...subnets))[0]!.name;
  const name = nameOf("pods", "10.1.0.0/24", "10.2.0.0/24");
  expect(name).toMatch(/^PONTOON-[0-9a-f]{9}-[0-9a-f]{10}$/);
  expect(name).toHaveLength(28);
  expect(name.startsWith(chainPrefix("pods"))).toBe(true);
  expect(nameOf("pods", "10.2.0.9/24", "10.1.0.0/24")).toBe(name);
  expect(nameOf("pods", "10.1.0.0/24")).not.toBe(name);
  expect(nameOf("others", "10.1.0.0/24", "10.2.0.0/24").slice(18)).toBe(name.slice(18));
  expect(nameOf("others", "10.1.0.0/24", "10.2.0.0/24")).not.toBe(name);
});

test("the comment of a network with a long name is one that iptables takes", () => {
  const [chain] = networkChains("n".repeat(300), prefixes("10.1.0.0/24"));
  const comment = /--comment "(.*)" -j RETURN/.exec(restoreLines(chain!, true)[1]!)![1]!.replaceAll("\\", "");
  expect(comment).toMatch(/^name: "n+"$/);
  expect(comment.length).toBeLessThanOrEqual(255);
});

test("a network without subnets has no chain", () => {
  expect(networkChains("pods", [])).toEqual([]);
});
