import { getLink } from "../../src/net/link.ts";
import { changeLinkMessage, createBridgeMessage, createVethMessage } from "../../src/net/link-change.ts";
import { Netns } from "../support/netns.ts";

export { refusal } from "../support/failure.ts";

export const BRIDGE = { name: "br0", mac: "0a:00:00:00:00:01" };
export const HOST_END = { name: "veth0", mac: "0a:00:00:00:00:02" };
export const POD_END = { name: "eth0", mac: "0a:00:00:00:00:03" };

/** A host with bridge `br0`, and a pod. */
export class Scene implements Disposable {
  readonly host = Netns.open();
  readonly pod = Netns.open();
  readonly bridgeIndex: number;

  constructor() {
    this.host.links.execute([
      createBridgeMessage(BRIDGE),
      changeLinkMessage({ name: BRIDGE.name }, { up: true, mtu: 1400 }, "raise the bridge"),
    ]);
    this.bridgeIndex = mustIndex(this.host, BRIDGE.name);
  }

  /** Connects the pod to the bridge; both ends are up. */
  connect(mtu = 1400): this {
    this.host.links.execute([
      createVethMessage({
        host: HOST_END,
        pod: POD_END,
        mtu,
        bridgeIndex: this.bridgeIndex,
        namespaceFd: this.pod.handle.fd,
      }),
      changeLinkMessage({ name: HOST_END.name }, { up: true }, "raise the host's end"),
    ]);
    this.pod.links.execute([changeLinkMessage({ name: POD_END.name }, { up: true }, "raise the pod's end")]);
    return this;
  }

  [Symbol.dispose](): void {
    this.pod[Symbol.dispose]();
    this.host[Symbol.dispose]();
  }
}

/** The number of a link that has to be there. */
export function mustIndex(netns: Netns, name: string): number {
  const link = getLink(netns.links, { name });
  if (link === undefined) throw new Error(`There is no interface ${name}.`);
  return link.index;
}

/** A wire inside one namespace: a veth pair, both ends up. */
export function addWire(netns: Netns, one: string, other: string, mtu = 1500): void {
  netns.run(`ip link add ${one} mtu ${mtu} type veth peer name ${other} mtu ${mtu}`);
  netns.run(`ip link set ${one} up`);
  netns.run(`ip link set ${other} up`);
}
