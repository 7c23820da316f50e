import { expect, test } from "vitest";
import { type KeyTree, normaliseKeys } from "../../../src/cni/keys.ts";
import { NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";

/** A configuration with a value for every key, the keys spelt by `spell`. */
function filled(tree: KeyTree, spell: (key: string) => string): object {
  return Object.fromEntries(
    Object.entries(tree).map(([key, below]) => [
      spell(key),
      below === true ? `value of ${key}` : filled(below, spell),
    ]),
  );
}

test.each<[string, (key: string) => string]>([
  ["upper case", (key) => key.toUpperCase()],
  ["lower case", (key) => key.toLowerCase()],
  ["PascalCase, as go-cni writes it", (key) => key.charAt(0).toUpperCase() + key.slice(1)],
])("every key is known in %s", (_, spell) => {
  expect(normaliseKeys(filled(NETCONF_KEYS, spell), NETCONF_KEYS)).toEqual(
    filled(NETCONF_KEYS, (key) => key),
  );
});

test("keys are known inside of lists, too", () => {
  const value = {
    VLANTRUNK: [{ MinId: 1, MAXID: 2 }, { ID: 3 }],
    RUNTIMECONFIG: { IPRANGES: [[{ SUBNET: "x" }]] },
    IPAM: { ROUTES: [{ DST: "x" }] },
  };
  expect(normaliseKeys(value, NETCONF_KEYS)).toEqual({
    vlanTrunk: [{ minID: 1, maxID: 2 }, { id: 3 }],
    runtimeConfig: { ipRanges: [[{ subnet: "x" }]] },
    ipam: { routes: [{ dst: "x" }] },
  });
});
