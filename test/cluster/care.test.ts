// The overlay care: what attachments lost is put back, what a killed runtime left is collected, Events tell
// of it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { agentLog, deploy, get, kubectl, node, setAgents, stage, type Thing } from "./support/stage.ts";
import { startWeb } from "./support/web.ts";

beforeAll(async () => {
  await deploy("overlays/care");
  await setAgents("PONTOON_CARE_INTERVAL=5s");
  await startWeb();
});
afterAll(async () => {
  await kubectl(["-n", "default", "delete", "role,rolebinding", "pontoon-care"]);
  // What the overlay adds to lists stays under an apply of the base.
  await kubectl(["-n", "kube-system", "delete", "daemonset", "pontoon"]);
  await deploy("base");
});

test("after a flush of all rules those of pods are back within 10 s too, and an Event of the node tells it", async () => {
  const rules = (): Promise<string> =>
    node(1).must("nft list table inet pontoon-ports 2> /dev/null | grep -c 8081 || true");
  const before = await rules();
  expect(Number(before)).toBeGreaterThan(0);
  await node(1).must("nft flush ruleset");
  await waitFor("the rules are back", async () => (await rules()) === before, 10_000, 100);
  // The flush has taken the way to the API server too, and kube-proxy looks for its rules only now and then.
  await stage(["service", "1", "kube-proxy", "nftables"]);
  await waitFor("an Event tells it", () => hasEvent("Restored"), 60_000, 200);
});

test("an attachment whose namespace is gone is collected", async () => {
  // As a runtime that dies between the end of a namespace and DEL.
  await node(1).must("/opt/cni/bin/pontoon cni add pods --new-netns lost");
  const leases = (): Promise<string> => node(1).must("grep -lr cnitool- /var/lib/cni/networks/pods || true");
  expect(await leases()).not.toBe("");
  await node(1).must("ip netns del lost");
  await waitFor("its leases are free", async () => (await leases()) === "", 90_000, 500);
  expect(await agentLog(1)).toContain('"code":"collected"');
});

async function hasEvent(reason: string): Promise<boolean> {
  const { items } = await get("events", "-n", "default", "--field-selector", `reason=${reason}`);
  return (items as Thing[]).some(({ involvedObject }) => involvedObject.kind === "Node");
}
