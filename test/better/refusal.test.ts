// Calls that have to fail: what they say and what they leave.
import { readdirSync } from "node:fs";
import type { CniError } from "../support/cni.ts";
import { endOf, proof } from "./proof.ts";

const BAD = { config: { ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.7/24" }]] } } };

proof("D20: a wrong ipam is refused before anything is there, and DEL has nothing to refuse", {
  row: BAD,
  play: async ({ call, red, world }) => {
    const add = endOf(await call("ADD"));
    const link = (await red.exec("ip link show eth0")).status === 0;
    const bridge = (await world.host.exec("ip link show pods0")).status === 0;
    return { add, link, bridge, del: [endOf(await call("DEL")), endOf(await call("DEL"))] };
  },
  good: { add: "refused", link: false, bridge: false, del: ["done", "done"] },
  bad: { add: "refused", link: true, bridge: true, del: ["refused", "refused"] },
});

proof("L4: an ADD that failed may be repeated in the same namespace", {
  play: async ({ call, red }) => {
    const first = endOf(await call("ADD", { row: BAD }));
    const link = (await red.exec("ip link show eth0")).status === 0;
    return { first, link, again: endOf(await call("ADD")) };
  },
  good: { first: "refused", link: false, again: "done" },
  bad: { first: "refused", link: true, again: "refused" },
});

proof("D21: an ADD into the node's own namespace is refused with code 8, and leaves nothing", {
  play: async ({ call, world }) => {
    const { code } = JSON.parse((await call("ADD", { netns: world.hostNamespace })).stdout) as CniError;
    const leases = world.has("/var/lib/cni/networks/pods")
      ? readdirSync(world.outside("/var/lib/cni/networks/pods")).filter((name) => name.startsWith("10."))
      : [];
    return { code, leases, link: (await world.host.exec("ip link show eth0")).status === 0 };
  },
  good: { code: 8, leases: [], link: false },
  // The reference cannot read the answer of its own half, which is two objects.
  bad: { code: 0, leases: ["10.1.0.2"], link: true },
});

proof("D21: without addresses, too, an ADD into the node's own namespace has one answer", {
  row: { config: { ipam: undefined, isGateway: false } },
  play: async ({ call, world }) => isJson((await call("ADD", { netns: world.hostNamespace })).stdout),
  good: true,
  bad: false,
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
