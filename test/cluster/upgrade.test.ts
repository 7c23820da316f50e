// The executable is replaced while 100 pods come and go.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { deploy, get, kubectl, node, remove, rolledOut, type Thing } from "./support/stage.ts";
import { template } from "./support/web.ts";

const PODS = 100;

beforeAll(async () => {
  await deploy("base");
  await kubectl(["apply", "-f", "-"], { stdin: JSON.stringify(churn(0)) });
});
afterAll(() => remove("deployment/churn"));

test("an upgrade of the executable fails no pod of 100 that start, and 100 that are replaced", async () => {
  await kubectl(["scale", "deployment/churn", `--replicas=${PODS}`]);
  const hash = await installed();
  // An executable with other last bytes stands for another version. The agent puts its own back each time, so
  // the file is replaced 40 times while pods start.
  const other =
    "cp /opt/cni/bin/pontoon /opt/cni/bin/.next && echo next >> /opt/cni/bin/.next && mv /opt/cni/bin/.next /opt/cni/bin/pontoon";
  for (let round = 0; round < 10; round++)
    for (const n of [1, 2]) {
      await node(n).must(other);
      await waitFor("the agent's own is back", async () => (await installed(n)) === hash, 60_000, 100);
    }
  await kubectl(["-n", "kube-system", "rollout", "restart", "daemonset/pontoon"]);
  await rolledOut("daemonset/pontoon", "kube-system", 150);
  await rolledOut("deployment/churn", "default", 150);
  expect(await installed()).toBe(hash);

  await kubectl(["delete", "pods", "-l", "app=churn", "--wait=false"]);
  await kubectl(["-n", "kube-system", "rollout", "restart", "daemonset/pontoon"]);
  await rolledOut("daemonset/pontoon", "kube-system", 150);
  await waitFor(
    "all are Ready again",
    async () => (await get("deployment", "churn"))["status"].readyReplicas === PODS,
    120_000,
    500,
  );
  const { items } = await get("events", "--field-selector", "reason=FailedCreatePodSandBox");
  const ours = (items as Thing[]).filter(({ involvedObject }) => /^churn-/.test(involvedObject.name));
  // On a busy machine an ADD waits its turn, and ends after 10 s in vain: kubelet asks again. That is no
  // upgrade's.
  const faults = ours
    .map(({ message }) => message as string)
    .filter((text) => !text.includes("try again later"));
  expect(faults).toEqual([]);
}, 400_000);

test("when they have gone, their addresses are free", async () => {
  await remove("deployment/churn");
  expect((await get("deployments"))["items"]).toEqual([]);
  for (const n of [1, 2])
    await waitFor(
      `node${n} has no lease of a pod that went`,
      async () => {
        const pods = (await get("pods", "-A", "--field-selector", `spec.nodeName=node${n}`))[
          "items"
        ] as Thing[];
        const running = pods.filter(({ spec }) => spec["hostNetwork"] !== true).length;
        const leases = await node(n).must("ls /var/lib/cni/networks/pods | grep -c '^[0-9a-f]*[.:]' || true");
        return Number(leases) === 2 * running;
      },
      60_000,
      500,
    );
});

async function installed(n = 1): Promise<string> {
  return node(n).must("sha256sum < /opt/cni/bin/pontoon");
}

function churn(replicas: number): Thing {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "churn" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "churn" } },
      template: template("churn", "exec sleep 100000"),
    },
  };
}
