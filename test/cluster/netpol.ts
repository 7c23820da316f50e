// usage: scripts/test-cluster --netpol [FOCUS]
// Kubernetes' own tests of network policies against the cluster with deploy/base, and beside it
// kube-network-policies, which is to do what the policies say.
import { join } from "node:path";
import { REPOSITORY } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { nodes } from "./support/by-hand.ts";
import { build, importImage, play } from "./support/e2e.ts";
import { deploy, kubectl, node, rolledOut } from "./support/stage.ts";

const FOCUS = String.raw`\[sig-network\] Netpol`;
/** The pods would have to speak SCTP, which not every kernel can. */
const SKIP = "Feature:SCTPConnectivity";

const bin = build("netpol");
await deploy("base");
await startPolicies();
await play(bin, { focus: process.argv[2] ?? FOCUS, skip: SKIP });

/** Starts kube-network-policies on every node, and waits for its rules there. */
async function startPolicies(): Promise<void> {
  await importImage(["pontoon.test/kube-network-policies:1", join(bin, "kube-network-policies")]);
  await kubectl(["apply", "-f", join(REPOSITORY, "test/cluster/manifest/netpol.yaml")]);
  await rolledOut("daemonset/kube-network-policies", "kube-system");
  for (const { n } of await nodes()) {
    const hasRules = async () =>
      (await node(n).try("nft list table inet kube-network-policies | grep -q queue")).status === 0;
    await waitFor(`node${n} has the rules of kube-network-policies`, hasRules, 30_000, 200);
  }
}
