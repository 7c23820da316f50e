import { expect, test } from "vitest";
import { isList, type Kind, normaliseKeys } from "../../../src/cni/keys.ts";
import { NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";
import { isPlain } from "./key-path.ts";

/** A value of the kind with a value for every key, the keys spelt by `spell`. */
function filled(kind: Kind, spell: (key: string) => string): unknown {
  if (isPlain(kind)) return `a value of the kind ${kind}`;
  if (isList(kind)) return [filled(kind[0], spell)];
  return Object.fromEntries(Object.entries(kind).map(([key, below]) => [spell(key), filled(below, spell)]));
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
