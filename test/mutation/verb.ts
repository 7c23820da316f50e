import type { Mutation } from "./mutation.ts";

export const VERB: Mutation[] = [
  {
    name: "GC takes the reference's ifb of a container that another interface needs",
    file: "src/verb/gc.ts",
    find: "for (const { containerId } of validAttachments) gone.delete(containerId);",
    replace: "",
    test: "test/plugin/bandwidth.test.ts",
    promise: "GC takes the reference's ifb of a container that is gone",
  },
  {
    name: "STATUS does not look whether records can be written",
    file: "src/verb/status.ts",
    find: "  checkLeaseDirectory(RECORD_ROOT);\n",
    replace: "",
    test: "test/plugin/status.test.ts",
    promise: "STATUS is red with code 50 when records cannot be written",
  },
  {
    name: "STATUS does not ask nftables for the MAC spoof check",
    file: "src/verb/status.ts",
    find: "(netconf.ipMasq && !byIptables) || netconf.macspoofchk",
    replace: "netconf.ipMasq && !byIptables",
    test: "test/plugin/bare-host.test.ts",
    promise: "ADD with macspoofchk says what it needs, and leaves nothing; STATUS says so before",
  },
  {
    name: "CHECK looks for the lease in the dataDir that the configuration names now",
    file: "src/verb/check.ts",
    find: "const directory = record?.leaseDirectory ?? leaseDirectory(netconf);",
    replace: "const directory = leaseDirectory(netconf);",
    test: "test/plugin/check.test.ts",
    promise: "CHECK looks for the lease where ADD put it",
  },
  {
    name: "the record of an ADD stays whose result could not be said",
    file: "src/verb/attach.ts",
    find: "...giveBack(), ...tryAll([forget])]",
    replace: "...giveBack()]",
    test: "test/plugin/refused-late.test.ts",
    promise: "a result that cannot be written is a failed ADD",
  },
  {
    name: "an IPAM plugin that failed is not asked to give back",
    file: "src/verb/foreign-add.ts",
    find: "    isAsked = true;\n    const prepared = { ...reserve(foreign, machine, before), intent: foreign.intent, giveBack };",
    replace: "    const prepared = { ...reserve(foreign, machine, before), intent: foreign.intent, giveBack };\n    isAsked = true;",
    test: "test/plugin/foreign-undo.test.ts",
    promise: "an IPAM ADD that fails is followed by its DEL",
  },
];
