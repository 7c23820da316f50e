// A kernel without nfnetlink has no rules of anybody in it: looking for them is no error.
import { expect, test } from "vitest";
import { iptablesTables } from "../../../src/host/iptables-tables.ts";
import type { Node } from "../../../src/host/node.ts";
import {
  removeReferenceRules,
  removeStaleReferenceRules,
} from "../../../src/host/stranger/reference-rules.ts";
import { NAT } from "../../../src/iptables/table.ts";
import { errnoOf, SystemError } from "../../../src/sys/errno.ts";

/** A host whose socket to nftables cannot be opened, or is told that nobody knows its messages. */
function hostWithout(errno: number, isOpen: boolean): Node {
  const refusal = new SystemError("ask nftables", errno);
  const fail = (): never => {
    throw refusal;
  };
  const socket = { dump: fail, execute: fail, transact: () => [{ error: refusal, replies: [] }] };
  return {
    get rules() {
      return isOpen ? socket : fail();
    },
  } as unknown as Node;
}

test.each([
  ["there is no nfnetlink", hostWithout(errnoOf("EPROTONOSUPPORT"), false)],
  ["nfnetlink knows no nftables", hostWithout(errnoOf("EINVAL"), true)],
])("%s: there is nothing to find and nothing to remove", (_, node) => {
  for (const table of iptablesTables(node, NAT)) {
    expect([table.countUses("CNI-a"), table.listJumps("CNI-"), table.listChains("CNI-")]).toEqual([
      undefined,
      [],
      [],
    ]);
  }
  removeReferenceRules(
    { network: "pods", containerId: "c1", interfaceName: "eth0" },
    () => ({ only: [] }),
    node,
  );
  removeStaleReferenceRules("pods", [], node);
});

test("a socket that cannot be opened for another reason is an error", () => {
  expect(() => [...iptablesTables(hostWithout(errnoOf("EMFILE"), false), NAT)]).toThrow(/EMFILE/);
});
