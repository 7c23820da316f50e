// Small changes of src/nft.
import type { Mutation } from "./mutation.ts";

export const NFT: readonly Mutation[] = [
  {
    name: "an element that is there passes for the new one, MAC and owner aside",
    file: "src/nft/element.ts",
    find: "nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, (w)",
    replace: "nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE, (w)",
    test: "test/kernel/spoof-check.test.ts",
    promise: "what a dead attachment of the same name left does not let its MAC through",
  },
  {
    name: "thousands of elements go in one batch",
    file: "src/nft/element.ts",
    find: "export const BATCH_ELEMENTS = 200;",
    replace: "export const BATCH_ELEMENTS = 20_000;",
    test: "test/kernel/host-port.test.ts",
    promise: "two thousand ports that become other ones are there, and go",
  },
  {
    name: "a GC takes the elements of a network whose name goes on after a dash",
    file: "src/nft/layout.ts",
    find: " && chain.length === prefix.length + HASH_DIGITS",
    replace: "",
    test: "test/kernel/leftover.test.ts",
    promise: "what is masqueraded for a network whose name goes on after a dash stays",
  },
  {
    name: "a table counts as whole before the elements of the others are back in it",
    file: "src/nft/masquerade.ts",
    find: "  for (const other of others) putBackOther(socket, other, neighbours);\n  if (lostTable) executeBatch(socket, postroutingMessages());",
    replace:
      "  if (lostTable) executeBatch(socket, postroutingMessages());\n  for (const other of others) putBackOther(socket, other, neighbours);",
    test: "test/kernel/put-back.test.ts",
    promise: "an ADD that dies while it puts back leaves the loss to be noticed by the next one",
  },
  {
    name: "a lost table gets back the elements of the dead",
    file: "src/nft/masquerade.ts",
    find: "neighbours.others().filter(({ owner }) => neighbours.isAlive(owner))",
    replace: "neighbours.others()",
    test: "test/kernel/put-back.test.ts",
    promise: "who is dead, or dies meanwhile, is not put back",
  },
  {
    name: "an nftables that refuses counts as a kernel without it",
    file: "src/nft/answer.ts",
    find: "(socket === undefined || !isNftables(socket))",
    replace: "true",
    test: "test/plugin/bare-host.test.ts",
    promise: "an nftables that is there and refuses is an error of GC and of a DEL without record",
  },
  {
    name: "the postrouting of host ports comes after masquerading (priority 101 instead of 99)",
    file: "src/nft/host-port-layout.ts",
    find: "nft.NF_INET_POST_ROUTING, 99)",
    replace: "nft.NF_INET_POST_ROUTING, 101)",
    test: "test/kernel/host-port.test.ts",
    promise: "the table is as the golden text says",
  },
];
