// Runs inside a throw-away host, in one long-lived process: the same netlink messages as in an ADD and a DEL,
// without a process start. Arguments: the pod's namespace, rounds. Prints how long each part took in each
// round, as JSON.
import "../test/support/native.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { randomMac } from "../src/attachment/mac.ts";
import { announce } from "../src/host/kind/announce/announce.ts";
import { masquerade } from "../src/host/kind/masquerade/nftables.ts";
import { pod as podKind } from "../src/host/kind/pod/pod.ts";
import { veth } from "../src/host/kind/veth/veth.ts";
import type { Applying } from "../src/host/kind.ts";
import { Node } from "../src/host/node.ts";
import { type Prefix, parsePrefix } from "../src/ip/prefix.ts";
import { getLink } from "../src/net/link.ts";
import { removeLink } from "../src/net/link-change.ts";
import { sendBatch } from "../src/nft/batch.ts";
import { deleteElementMessage } from "../src/nft/element.ts";
import { elementPlaces } from "../src/nft/layout.ts";
import type { AnnounceStep, MasqueradeStep, PodStep, VethStep } from "../src/plan/step.ts";

/** Milliseconds by part. */
export type Spent = Record<string, number>;

const [namespace = "", rounds = "1"] = process.argv.slice(2);
const WARM_UP = 10;
const bridge = "bench0";
const interfaceName = "eth0";
const subnet = prefix("10.77.0.0/16");
const anywhere = prefix("0.0.0.0/0");
const address = prefix("10.77.200.1/16");
const gateway = prefix("10.77.0.1/16").address;
const hostEnd = { name: "vethkernel", alias: "pontoon bench" };

const POD: PodStep = {
  kind: "pod",
  interfaceName,
  addresses: [address],
  routes: [
    {
      dst: anywhere,
      gateway,
      onLink: false,
      mtu: undefined,
      advmss: undefined,
      priority: undefined,
      table: undefined,
      scope: undefined,
    },
  ],
  subnetsAreOnLink: true,
  mayHearRouters: false,
  activates: false,
  detection: undefined,
};

const key = { network: "bench", containerId: "kernel", interfaceName };
const MASQUERADE: MasqueradeStep = {
  kind: "masquerade",
  key,
  gatewayInterface: bridge,
  subnets: [subnet],
  addresses: [address.address],
};

const list: Spent[] = [];
for (let round = -WARM_UP; round < Number(rounds); round++) {
  const spent = oneRound();
  if (round >= 0) list.push(spent);
  await sleep(10);
}
console.log(JSON.stringify(list));

function oneRound(): Spent {
  const spent: Spent = {};
  const time = (part: string, action: () => void): void => {
    const start = performance.now();
    action();
    spent[part] = performance.now() - start;
  };
  const node = Node.open();
  const pod = node.openPod(namespace);
  const on = adding(node, pod);
  const mac = randomMac();
  const { common } = elementPlaces(address.address, bridge);

  time("link", () => veth.apply(vethStep(mac), on));
  time("container", () => podKind.apply(POD, on));
  time("rules", () => masquerade.apply(MASQUERADE, on));
  time("announce", () => announce.apply(announceStep(mac), on));
  time("elements", () => void sendBatch(node.rules, [deleteElementMessage(common)]));
  time("delete", () => void removeLink(node.links, hostEnd));
  time("close", () => {
    pod[Symbol.dispose]();
    node[Symbol.dispose]();
  });
  return spent;
}

/** An ADD that has found its bridge, of whose pods each has the MAC that follows its address. */
function adding(node: Node, pod: Applying["pod"]): Applying {
  const found = getLink(node.links, { name: bridge });
  const seen = { index: found?.index ?? 0, mac: found?.mac ?? "", mtu: 1500 };
  return {
    node,
    pod,
    bridgePlan: { mac: seen.mac, mtu: seen.mtu, found: undefined, macsFollow: true },
    bridge: seen,
    vlanGateway: undefined,
    podIndex: 0,
    notice: () => {},
    hostIndex: 0,
    isAddressed: false,
    isFirst: false,
    applyTo: () => {},
    onUndo: () => {},
  };
}

function vethStep(mac: string): VethStep {
  return {
    kind: "veth",
    host: { ...hostEnd, mac: randomMac(), isRaisedFirst: false },
    pod: { name: interfaceName, mac, isRaised: true },
    mtu: 1500,
    port: { bridge, hairpin: false, isolated: false, learns: true },
    group: undefined,
  };
}

function announceStep(mac: string): AnnounceStep {
  return {
    kind: "announce",
    key,
    bridge,
    hostInterface: hostEnd.name,
    interfaceName,
    mac,
    addresses: [address],
    goesBeyond: false,
  };
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`${text} is no prefix`);
  return parsed;
}
