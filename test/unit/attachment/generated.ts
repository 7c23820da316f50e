// Attachments made by chance, from a seed: each part is there or not, with any value of its type.

import { type Attachment, type PodAddress, VERSION } from "../../../src/attachment/attachment.ts";
import type { AttachedHostPorts, AttachedPortMapping } from "../../../src/attachment/host-ports.ts";
import { hostInterfaceName } from "../../../src/attachment/name.ts";
import type { AttachmentKey } from "../../../src/cni/attachment-key.ts";
import type { Route } from "../../../src/cni/result.ts";
import { type Address, familyBits } from "../../../src/ip/address.ts";
import type { Prefix } from "../../../src/ip/prefix.ts";
import { randomSource } from "../netlink/random.ts";

/** An attachment as an ADD may describe it; two of one seed are equal. */
export function generateAttachment(seed: number): Attachment {
  return new Generator(seed).attachment();
}

const WORDS = [
  "net",
  "c1",
  "eth0",
  "br0",
  "a b",
  'q"uote',
  "b\\slash",
  "\u00e4\u20ac\u{1f600}",
  "\n\t\u0001",
  "",
];

class Generator {
  private readonly random: (limit: number) => number;

  constructor(seed: number) {
    this.random = randomSource(seed);
  }

  attachment(): Attachment {
    const policies = ["open", "same-bridge", "isolated"] as const;
    const key = { network: this.word(), containerId: this.word(), interfaceName: this.word() };
    return {
      version: VERSION,
      key,
      host: { bootId: this.word(), hostCookie: this.word() },
      namespace: { path: this.word(), cookie: this.word() },
      pod: this.maybe(() => this.word()),
      leaseDirectory: this.maybe(() => this.word()),
      link: this.link(key),
      addresses: this.list(
        (): PodAddress => ({ address: this.prefix(), gateway: this.maybe(() => this.address()) }),
      ),
      routes: this.list(() => this.route()),
      detectsDuplicates: this.flag(),
      gateway: this.maybe(() => ({
        force: this.flag(),
        ofOtherRanges: this.maybe(() => this.list(() => this.prefix())),
      })),
      masquerade: this.maybe(() => ({
        backend: this.of(["nftables", "iptables"] as const),
        subnets: this.list(() => this.prefix()),
      })),
      spoofCheck: this.flag(),
      addressCheck: this.maybe(() => ({ asksDhcp: this.flag() })),
      ingressPolicy: this.maybe(() => this.of(policies)),
      bandwidth: this.maybe(() => ({
        ingress: this.maybe(() => this.limit()),
        egress: this.maybe(() => this.limit()),
        egressInPod: this.flag(),
        ifbMac: this.maybe(() => this.word()),
      })),
      sourceRouting: this.flag(),
      tuning: this.maybe(() => ({
        sysctls: this.list(() => ({ key: this.word(), name: this.word(), value: this.word() })),
        txQueueLength: this.maybe(() => this.count()),
        promiscuous: this.flag(),
        allMulticast: this.flag(),
      })),
      hostPorts: this.maybe(() => this.hostPorts()),
    };
  }

  private link(key: AttachmentKey): Attachment["link"] {
    return {
      kind: "bridgePort",
      bridge: { name: this.word(), promiscuous: this.flag(), filtersVlans: this.flag() },
      gatewayInterface: this.word(),
      host: { name: hostInterfaceName(key), mac: this.word(), isRaisedFirst: this.flag() },
      pod: { name: this.word(), mac: this.word(), isRaised: this.flag() },
      mtu: this.count(),
      hairpin: this.flag(),
      isolated: this.flag(),
      hasFixedMac: this.flag(),
      vlans: this.maybe(() => ({
        native: this.count(),
        tagged: this.list(() => ({ first: this.count(), last: this.count() })),
        keepOthers: this.flag(),
      })),
    };
  }

  private route(): Route {
    const route: Route = { dst: this.prefix() };
    if (this.flag()) route.gw = this.address();
    for (const name of ["mtu", "advmss", "priority", "table", "scope"] as const)
      if (this.flag()) route[name] = this.count();
    return route;
  }

  private hostPorts(): AttachedHostPorts {
    const conditions = () =>
      this.list(() => ({
        field: this.of(["saddr", "daddr", "iifname"] as const),
        not: this.flag(),
        value: this.word(),
      }));
    return {
      mappings: this.list(() => this.mapping()),
      masquerade: this.of(["none", "own", "all"] as const),
      subnets: this.list(() => this.word()),
      markBit: this.random(32),
      gatewayInterface: this.word(),
      hairpin: this.flag(),
      allowListening: this.maybe(() => true),
      iptablesChains: this.maybe(() => true),
      conditions4: this.maybe(conditions),
      conditions6: this.maybe(conditions),
    };
  }

  private mapping(): AttachedPortMapping {
    const port = () => 1 + this.random(65_535);
    return {
      protocol: this.of(["tcp", "udp", "sctp"] as const),
      hostAddress: this.maybe(() => this.word()),
      hostPort: port(),
      hostPortEnd: port(),
      containerPort: port(),
      address: this.word(),
    };
  }

  private limit() {
    return { rate: this.count(), burst: this.count() };
  }

  private address(): Address {
    const family = this.of([4, 6] as const);
    let value = 0n;
    for (let bits = 0; bits < familyBits(family); bits += 16)
      value = value * 65_536n + BigInt(this.random(65_536));
    return { family, value };
  }

  private prefix(): Prefix {
    const address = this.address();
    return { address, length: this.random(familyBits(address.family) + 1) };
  }

  private count(): number {
    return this.random(this.of([2, 1500, 4_294_967_296]));
  }

  private word(): string {
    return Array.from({ length: 1 + this.random(3) }, () => this.of(WORDS)).join("");
  }

  private flag(): boolean {
    return this.random(2) === 1;
  }

  private of<T>(choices: readonly T[]): T {
    return choices[this.random(choices.length)] as T;
  }

  private list<T>(make: () => T): T[] {
    return Array.from({ length: this.random(4) }, make);
  }

  private maybe<T>(make: () => T): T | undefined {
    return this.flag() ? make() : undefined;
  }
}
