// A cluster of flannel becomes one of Pontoon by the steps of docs/kubernetes.md, one node after the other.
import { afterAll, beforeAll, expect, test } from "vitest";
import { describe } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { clearNodes, startFlannel, stopFlannel } from "./support/flannel.ts";
import { expectRoutes, isReady, subnetsOf } from "./support/node-life.ts";
import {
  apply,
  deploy,
  get,
  kubectl,
  node,
  remove,
  rolledOut,
  stage,
  type Thing,
  undeploy,
} from "./support/stage.ts";
import {
  addressesOf,
  daemonSet,
  fetchLine,
  inNamespaceOf,
  inPod,
  PORT,
  podOf,
  SERVER,
  seenFrom,
  service,
} from "./support/web.ts";

const FLANNELS = "/etc/cni/net.d/10-flannel.conflist";

/** What flannel leaves on a node. */
const REST = `set -e
  ip link delete flannel.1
  iptables -t nat -D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
  iptables -t nat -F FLANNEL-POSTRTG; iptables -t nat -X FLANNEL-POSTRTG
  iptables -D FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
  iptables -F FLANNEL-FWD; iptables -X FLANNEL-FWD
  rm -r /opt/cni/bin/flannel /var/lib/cni/flannel /var/lib/cni/networks/cbr0`;

beforeAll(async () => {
  await remove("daemonset,deployment,service", "--all");
  await remove("-n", "kube-system", "deployment/coredns");
  await undeploy();
  await startFlannel();
  await apply([daemonSet("peer", SERVER), service("peer", "peer", { ipFamilyPolicy: "SingleStack" })]);
  await rolledOut("daemonset/peer");
}, 300_000);
afterAll(async () => {
  await remove("daemonset/peer", "service/peer");
  await stopFlannel();
  await clearNodes();
  await deploy("base");
});

test("pods of nodes with flannel, with Pontoon, and with one of them each reach each other", async () => {
  await expectAllReach();
  expect(await bridgeOf(1)).toBe("cni0");

  await kubectl([
    ...["-n", "kube-flannel", "patch", "daemonset", "kube-flannel-ds", "--type=json", "-p"],
    '[{"op": "remove", "path": "/spec/template/spec/initContainers/1"}]',
  ]);
  await rolledOut("daemonset/kube-flannel-ds", "kube-flannel");
  await deploy("base");
  await expectAllReach();
  await renew();
  expect(await bridgeOf(1)).toBe("cni0");

  await change(2);
  await expectAllReach();
  await renew();
  await expectAllReach();
  expect([await bridgeOf(1), await bridgeOf(2)]).toEqual(["cni0", "pontoon0"]);

  await change(1);
  await expectAllReach();
  expect(await bridgeOf(1)).toBe("pontoon0");

  await stopFlannel();
  for (const n of [1, 2]) await node(n).must(REST);
  for (const [n, other] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const [subnet = ""] = await subnetsOf(`node${other}`);
    await expectRoutes(n, { [subnet]: `10.90.0.1${other}` });
  }
  await expectAllReach();
  const [one, two] = [await podOf("peer", 1), await podOf("peer", 2)];
  expect(await seenFrom(one.name, two.ipv4)).toBe(one.ipv4);
  for (const n of [1, 2])
    expect(await node(n).must("ip link; iptables-save; nft list ruleset")).not.toMatch(/cni0|flannel/i);
});

/** The next node changes: its pods go, flannel's configuration too, it boots, and pods come back. */
async function change(n: number): Promise<void> {
  await kubectl(["drain", `node${n}`, "--ignore-daemonsets", "--delete-emptydir-data"]);
  await node(n).must(`rm ${FLANNELS}`);
  await stage(["node-down", `${n}`]);
  await stage(["node-up", `${n}`]);
  await isReady(n);
  await kubectl(["uncordon", `node${n}`]);
}

/** All pods are made anew. */
async function renew(): Promise<void> {
  await kubectl(["rollout", "restart", "daemonset/peer"]);
  await rolledOut("daemonset/peer");
}

/** The bridge on which the pod of a node is. */
async function bridgeOf(n: number): Promise<string> {
  const { ipv4 } = await podOf("peer", n);
  const outcome = await inNamespaceOf(node(n), ipv4, "ip -j link show eth0");
  if (outcome.status !== 0) throw new Error(describe(outcome));
  const [inside] = JSON.parse(outcome.stdout) as Thing[];
  const links = await node(n).json("ip -j link show");
  return links.find(({ ifindex }) => ifindex === inside?.["link_index"])?.["master"];
}

/** Every pod is soon reached by every pod and every node, and the service by every pod. */
async function expectAllReach(): Promise<void> {
  let deaf: string[] = [];
  const isWhole = async () => {
    deaf = await deafWays();
    return deaf.length === 0;
  };
  try {
    await waitFor("every pod and node reaches every pod", isWhole, 60_000, 500);
  } catch (error) {
    throw new Error(`${(error as Error).message} Not so:\n${deaf.join("\n")}`);
  }
}

/** The ways on which nobody answers, in words. */
async function deafWays(): Promise<string[]> {
  const { items } = await get("pods", "-l", "app=peer", "--field-selector", "status.phase=Running");
  const pods = (items as Thing[]).map(({ metadata, spec, status }) => ({
    name: metadata["name"] as string,
    host: node(Number(String(spec["nodeName"]).slice("node".length))),
    address: status["podIP"] as string,
  }));
  if (pods.length !== 2) return [`${pods.length} pods run`];
  const cluster = (await addressesOf("peer")).ipv4;
  const deaf: string[] = [];
  for (const { name, host } of pods) {
    for (const { address } of pods) {
      const line = fetchLine(address, PORT);
      if ((await inPod(name, line)).status !== 0) deaf.push(`pod of ${host.name} to ${address}`);
      if ((await host.try(line)).status !== 0) deaf.push(`${host.name} to ${address}`);
    }
    if ((await inPod(name, fetchLine(cluster, 80))).status !== 0)
      deaf.push(`pod of ${host.name} to the service`);
  }
  return deaf;
}
