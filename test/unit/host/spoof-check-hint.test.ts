// The hint for a kernel that refuses the tables of a source check.
import { expect, test } from "vitest";
import { spoofCheckHint } from "../../../src/host/kind/spoof-check/spoof-check.ts";
import { ARP_CHECK, BRIDGE_CHECK, NODE_CHECK } from "../../../src/nft/spoof-layout.ts";
import { errnoOf, SystemError } from "../../../src/sys/errno.ts";

const KEY = { network: "net", containerId: "c1", interfaceName: "eth0" };
const ADDRESSES = { own: [], asksDhcp: false };

test.each([
  ["bridge", BRIDGE_CHECK, undefined, "macspoofchk"],
  ["bridge", BRIDGE_CHECK, ADDRESSES, "ipspoofchk"],
  ["inet", NODE_CHECK, undefined, "macspoofchk"],
  ["arp", ARP_CHECK, ADDRESSES, "ipspoofchk"],
] as const)(
  "%s: the hint names the kernel's family and the key that is switched on",
  (family, table, addresses, key) => {
    const step = { key: KEY, hostInterface: "veth0", mac: "02:00:00:00:00:01", addresses };
    const hint = spoofCheckHint(new SystemError("make the table", errnoOf("ENOENT")), { table, step });
    expect(hint).toContain(`its ${family} family (CONFIG_NF_TABLES_${family.toUpperCase()})`);
    expect(hint).toContain(`take ${key} out`);
  },
);
