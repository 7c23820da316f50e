// Masquerading in a VLAN has no way out where the packet filter sees bridges, for either family; the kernel
// says whether it does.
import { expect, test } from "vitest";
import type { Netconf } from "../../src/cni/config.ts";
import { observeFilter } from "../../src/look/packet-filter.ts";
import { describe } from "../../src/plan/describe.ts";
import { noticesOf } from "../../src/plan/notice.ts";
import { Netns } from "../support/netns.ts";
import { netconf, podAddress, V4, V6 } from "../unit/plan/input.ts";
import { ATTACHMENT } from "./attach.ts";

const VLAN: Partial<Netconf> = { vlan: 100, hasVlans: true, gatewayInterface: "br0.100", ipMasq: true };

/** What an ADD says on a host whose packet filter sees what goes over bridges, of these families. */
function notices(of4: 0 | 1, of6: 0 | 1, config: Partial<Netconf>): string[] {
  using host = Netns.open();
  host.run(
    `sysctl -q -w net.bridge.bridge-nf-call-iptables=${of4} net.bridge.bridge-nf-call-ip6tables=${of6}`,
  );
  const asked = netconf({ subnets: ["10.1.0.0/24", "fd01::/64"], ...config });
  const isFiltered = host.inside(() => observeFilter(asked));
  const macs = { host: "", pod: "", ifb: "" };
  const known = { ...ATTACHMENT, netconf: asked, bridgeMtu: 1500, macs, isFiltered };
  const attachment = describe(known, { addresses: [V4, V6].map(podAddress), routes: [] });
  return noticesOf(attachment, asked, { isFiltered, bridgeLearned: false });
}

test.each<[0 | 1, 0 | 1]>([
  [1, 0],
  [0, 1],
  [1, 1],
])(
  "bridge-nf-call-iptables %i, bridge-nf-call-ip6tables %i: an ADD in a VLAN says that the pod reaches nobody beyond the node",
  (of4, of6) => {
    expect(notices(of4, of6, VLAN)).toEqual([
      expect.stringContaining("pods of VLAN 100 of bridge br0 reach nobody beyond the node"),
    ]);
  },
);

test("where the packet filter sees no bridge, without a VLAN and without masquerading it does not", () => {
  expect(notices(0, 0, VLAN)).toEqual([]);
  expect(notices(1, 1, { ipMasq: true })).toEqual([]);
  expect(notices(1, 1, { ...VLAN, ipMasq: false })).toEqual([]);
});
