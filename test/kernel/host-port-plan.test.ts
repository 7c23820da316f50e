// Whether a pod with host ports needs hairpin mode: where the packet filter sees what goes over bridges, of
// its families.
import { expect, test } from "vitest";
import type { Netconf } from "../../src/cni/config.ts";
import { formatPrefix, networkOf } from "../../src/ip/prefix.ts";
import { observeFilter } from "../../src/look/packet-filter.ts";
import { planHostPorts } from "../../src/plan/host-port.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import { netconf } from "../unit/plan/input.ts";

const CONFIG = {
  mappings: [
    {
      protocol: "tcp" as const,
      hostAddress: undefined,
      hostPort: 8080,
      hostPortEnd: 8080,
      containerPort: 80,
    },
  ],
  snat: true,
  masqAll: false,
  markMasqBit: 13,
  allowListening: false,
  iptablesChains: false,
  conditions4: undefined,
  conditions6: undefined,
};

test.each([
  [0, 0, ["10.1.0.2/24", "fd01::2/64"], false],
  [1, 0, ["10.1.0.2/24"], true],
  [0, 1, ["10.1.0.2/24"], false],
  [1, 0, ["fd01::2/64"], false],
  [0, 1, ["fd01::2/64"], true],
  [0, 1, ["10.1.0.2/24", "fd01::2/64"], true],
] as const)(
  "with bridge-nf-call-iptables %i and bridge-nf-call-ip6tables %i hairpin mode for %j is %j",
  (four, six, addresses, hairpin) => {
    using host = Netns.open();
    host.run(
      `sysctl -qw net.bridge.bridge-nf-call-iptables=${four} net.bridge.bridge-nf-call-ip6tables=${six}`,
    );
    const given = addresses.map((text) => ({ address: prefix(text), gateway: undefined }));
    const subnets = given.map(({ address }) => formatPrefix(networkOf(address)));
    const hairpinOf = (more: Partial<Netconf>): boolean => {
      const asked = netconf({ subnets, hostPorts: CONFIG, ...more });
      const isFiltered = host.inside(() => observeFilter(asked));
      return planHostPorts({
        config: CONFIG,
        netconf: asked,
        addresses: given,
        isFiltered,
        key: { network: "net", containerId: "c", interfaceName: "eth0" },
      }).hairpin;
    };
    expect(hairpinOf({})).toBe(hairpin);
    expect(hairpinOf({ promiscMode: true })).toBe(false);
  },
);
