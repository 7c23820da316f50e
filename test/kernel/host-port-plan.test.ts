// Whether a pod with host ports needs hairpin mode: where the packet filter sees what goes over bridges, of
// its families.
import { expect, test } from "vitest";
import { planHostPorts } from "../../src/host/host-port-plan.ts";
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
    expect(host.inside(() => planHostPorts(CONFIG, netconf(), given)).hairpin).toBe(hairpin);
    expect(host.inside(() => planHostPorts(CONFIG, netconf({ promiscMode: true }), given)).hairpin).toBe(
      false,
    );
  },
);
