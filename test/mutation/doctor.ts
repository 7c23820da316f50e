// Small changes of the doctor, of what it reads of firewalls, and of what a restore puts back of ports.
import type { Mutation } from "./mutation.ts";

export const DOCTOR: readonly Mutation[] = [
  {
    name: "a rule that may drop counts as one that drops",
    file: "src/nft/packet.ts",
    find: "accepts.length === 0 && drops.length > 0",
    replace: "drops.length > 0",
    test: "test/plugin/doctor-firewall.test.ts",
    promise: "a rule that may drop is no fault",
  },
  {
    name: "an expression that is not known leaves the registers as they were",
    file: "src/nft/packet-rule.ts",
    find: "    this.registers.clear();\n",
    replace: "",
    test: "test/plugin/doctor-firewall.test.ts",
    promise: "a policy drop behind a rule of which it cannot be told whether it fits is no fault",
  },
  {
    name: "the table of a probe stays when its process dies",
    file: "src/nft/packet-trace.ts",
    find: ".be32Attribute(nft.NFTA_TABLE_FLAGS, nft.NFT_TABLE_F_OWNER)",
    replace: "",
    test: "test/plugin/doctor-trace.test.ts",
    promise: "the table of a probe goes with its process, however that ends",
  },
  {
    name: "restore leaves a pod's end down",
    file: "src/host/kind/announce/announce.ts",
    find: "  renew: raiseAgain,\n",
    replace: "",
    test: "test/plugin/doctor.test.ts",
    promise: "the doctor names it and nothing else when the host's end is down",
  },
  {
    name: "restore leaves a pod's end off its bridge",
    file: "src/host/kind/veth/veth.ts",
    find: "  renew: renewPorts,\n",
    replace: "",
    test: "test/plugin/doctor.test.ts",
    promise: "the doctor names it and nothing else when the host's end is off the bridge",
  },
  {
    name: "STATUS says code 50 where pods suffer",
    file: "src/host/forward/obstacle.ts",
    find: 'suffers ? "limitedConnectivity" : "notAvailable"',
    replace: '"notAvailable"',
    test: "test/plugin/doctor-firewall.test.ts",
    promise: "STATUS refuses with code 50 when a firewall drops what pods send, and with code 51",
  },
];
