// Runs inside a throw-away host, in one long-lived process: the same netlink messages as in an ADD and a DEL,
// without a process start. Arguments: the pod's namespace, rounds. Prints how long each part took in each
// round, as JSON.
import "../test/support/native.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { Machine } from "../src/host/machine.ts";
import { announce } from "../src/host/steps/announce.ts";
import { putMasquerade } from "../src/host/steps/masquerade.ts";
import { setUpPod } from "../src/host/steps/pod.ts";
import { createVeth } from "../src/host/steps/veth.ts";
import { type Prefix, parsePrefix } from "../src/ip/prefix.ts";
import { getLink, randomMac } from "../src/net/link.ts";
import { removeLink } from "../src/net/link-change.ts";
import { sendBatch } from "../src/nft/batch.ts";
import { deleteElementMessage } from "../src/nft/element.ts";
import { elementPlaces } from "../src/nft/layout.ts";

/** Milliseconds by part. */
export type Spent = Record<string, number>;

const [namespace = "", rounds = "1"] = process.argv.slice(2);
const WARM_UP = 10;
const bridge = "bench0";
const subnet = prefix("10.77.0.0/16");
const anywhere = prefix("0.0.0.0/0");
const address = prefix("10.77.200.1/16");
const gateway = prefix("10.77.0.1/16").address;
const hostEnd = { name: "vethkernel", alias: "pontoon bench" };

const list: Spent[] = [];
for (let round = -WARM_UP; round < Number(rounds); round++) {
  const spent = oneRound();
  if (round >= 0) list.push(spent);
  await sleep(10);
}
console.log(JSON.stringify(list));

function oneRound(): Spent {
  const spent: Spent = {};
  const time = <T>(part: string, action: () => T): T => {
    const start = performance.now();
    const made = action();
    spent[part] = performance.now() - start;
    return made;
  };
  const machine = Machine.open();
  machine.enterPod(namespace);
  const index = getLink(machine.links, { name: bridge })?.index ?? 0;
  const mac = randomMac();
  const pod = { name: "eth0", mac };
  const { common } = elementPlaces(address.address, bridge);

  const podIndex = time("link", () =>
    createVeth(
      {
        kind: "veth",
        bridge,
        host: { ...hostEnd, mac: randomMac() },
        pod,
        mtu: 1500,
        hairpin: false,
        isolated: false,
        raised: true,
        hostRaised: false,
      },
      machine,
      index,
    ),
  );
  time("container", () =>
    setUpPod(
      {
        kind: "pod",
        interfaceName: pod.name,
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
        detectThrough: undefined,
      },
      machine,
      podIndex,
    ),
  );
  time("rules", () =>
    putMasquerade(
      {
        kind: "masquerade",
        backend: "nftables",
        network: "bench",
        owner: "0".repeat(32),
        label: "bench",
        bridge,
        subnets: [subnet],
        addresses: [address.address],
      },
      machine,
    ),
  );
  time("announce", () =>
    announce(
      {
        kind: "announce",
        bridge,
        hostInterface: hostEnd.name,
        interfaceName: pod.name,
        mac,
        addresses: [address],
        macFollows: true,
        goesBeyond: false,
      },
      machine,
      podIndex,
    ),
  );
  time("elements", () => sendBatch(machine.rules, [deleteElementMessage(common)]));
  time("delete", () => removeLink(machine.links, hostEnd));
  time("close", () => machine[Symbol.dispose]());
  return spent;
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`${text} is no prefix`);
  return parsed;
}
