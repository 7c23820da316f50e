// A host with a way out of it and firewalls that drop, and the namespace of a pod, for tests of looking.
import { Attaching } from "../../src/host/attaching.ts";
import type { Place } from "../../src/host/kind.ts";
import type { Step } from "../../src/plan/step.ts";
import { stepOf, stepsOf } from "../../src/plan/steps.ts";
import { formerDevice } from "../support/device.ts";
import { attachmentWithEverything } from "../support/everything.ts";
import { address, prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import type { OnBridge } from "../support/on-bridge.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { BRIDGE_PLAN, onNode } from "./attach.ts";
import { addWire } from "./scene.ts";
import { kernelLines } from "./witness.ts";

export class LookStage implements Disposable {
  readonly host = Netns.open();
  readonly pod = Netns.open();
  /** True: this kernel can make a bridge that keeps VLANs apart. */
  readonly canFilterVlans: boolean;

  private constructor() {
    const { host } = this;
    host.run("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward=0");
    addWire(host, "up0", "up1");
    host.run("ip address add 192.168.9.2/24 dev up0");
    host.run("ip route add default via 192.168.9.1");
    host.run("ip link add half0 type bridge");
    addWire(host, "plain0", "plain1");
    for (const program of ["iptables-nft", "ip6tables-nft"]) host.run(`${toolPath(program)} -P FORWARD DROP`);
    this.canFilterVlans = succeeds(() => host.run("ip link add try0 type bridge vlan_filtering 1"));
    if (this.canFilterVlans) host.run("ip link delete try0");
  }

  /** A host without anything of Pontoon's, or with a pod that has everything that this kernel can. */
  static async open(isAttached: boolean): Promise<LookStage> {
    const stage = new LookStage();
    if (isAttached) stage.attach();
    await waitFor("all addresses are settled", () =>
      [stage.host, stage.pod].every((netns) => netns.run("ip -6 address show tentative") === ""),
    );
    return stage;
  }

  private attach(): void {
    onNode(this.host, (node) => {
      using pod = node.openPod(this.pod.path);
      new Attaching({ node, pod, mustGoOn: () => {} }, this.possible, BRIDGE_PLAN).apply(
        everyStep(this.possible).filter(({ kind }) => !kind.startsWith("wire")),
      );
    });
    // A wire is made under the lock of the folder of records, and the machine's own is none of a test's.
    const { mac } = this.possible.link.pod;
    this.pod.run(`ip link add ${WIRE_END} address ${mac} mtu 1400 type veth peer name wire0`);
    this.pod.run(`ip link set ${WIRE_END} up`);
  }

  /** The attachment with everything that this kernel can. */
  get possible(): OnBridge {
    const whole = attachmentWithEverything();
    if (this.canFilterVlans) return whole;
    const { link, hostPorts } = whole;
    const bridge = { ...link.bridge, filtersVlans: false };
    return {
      ...whole,
      link: { ...link, bridge, gatewayInterface: bridge.name, vlans: undefined },
      hostPorts: hostPorts && { ...hostPorts, gatewayInterface: bridge.name },
    };
  }

  /** Runs `action` in the host's namespace. */
  on<T>(action: (place: Place) => T): T {
    return onNode(this.host, (node) => {
      using pod = node.openPod(this.pod.path);
      return action({ node, pod });
    });
  }

  /** All that the kernel holds, in the host and in the pod. */
  get lines(): string[] {
    return [
      ...kernelLines(this.host).map((line) => `host: ${line}`),
      ...kernelLines(this.pod).map((line) => `pod: ${line}`),
    ];
  }

  [Symbol.dispose](): void {
    this.pod[Symbol.dispose]();
    this.host[Symbol.dispose]();
  }
}

/** The address of the same pod on a link without a bridge. */
const ROUTED = [{ address: prefix("10.77.0.2/24"), gateway: address("10.77.0.1") }];

/** The name of the pod's end of a wire. */
const WIRE_END = "net1";

/** The steps of an attachment, and the kinds that those exclude. */
export function everyStep(attachment: OnBridge): Step[] {
  const { masquerade } = attachment;
  const byIptables = {
    ...attachment,
    masquerade: masquerade && { ...masquerade, backend: "iptables" as const },
  };
  const { host, pod, mtu } = attachment.link;
  const routed = { ...attachment, link: { kind: "routedPair" as const, host, pod, mtu }, addresses: ROUTED };
  const name = WIRE_END;
  const wired = {
    ...attachment,
    key: { ...attachment.key, interfaceName: name },
    link: { kind: "wire" as const, pod: { ...pod, name }, mtu },
  };
  const excluded = [
    stepOf("iptablesMasquerade", byIptables),
    stepOf("nodeSpoofCheck", routed),
    stepOf("arpCheck", routed),
    stepOf("hostRoute", routed),
    stepOf("wire", wired),
    stepOf("wireCarrier", wired),
  ];
  return [...stepsOf(attachment), ...excluded.filter((step) => step !== undefined)];
}

/** Every step, and one with a device: the pod's end of the pair is compared as one would be. */
export function everyLook(attachment: OnBridge): Step[] {
  const { pod, mtu } = attachment.link;
  const link = { kind: "device" as const, pod, mtu, former: formerDevice("eth7") };
  const device = stepOf("device", { ...attachment, link });
  return [...everyStep(attachment), ...(device === undefined ? [] : [device])];
}

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
