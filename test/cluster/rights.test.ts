// What the agent may: in the API, and on its node.
import { beforeAll, expect, test } from "vitest";
import { agentOn, deploy, get, kubectl, node, router, stage, type Thing } from "./support/stage.ts";

const API = "https://10.90.0.1:6443";

beforeAll(() => deploy("base"));

test("the agent's account reads nodes, and all else is refused", async () => {
  const token = await kubectl(["-n", "kube-system", "create", "token", "pontoon"]);
  const ask = (method: string, path: string, body = "") =>
    router.must(
      `curl -sk -o /dev/null -w '%{http_code}' -X ${method} -H 'Authorization: Bearer ${token}' ` +
        `-H 'Content-Type: application/merge-patch+json' ${body && `-d '${body}'`} '${API}${path}'`,
    );
  const patch = '{"metadata":{"annotations":{"a":"b"}}}';
  expect({
    list: await ask("GET", "/api/v1/nodes"),
    get: await ask("GET", "/api/v1/nodes/node1"),
    patch: await ask("PATCH", "/api/v1/nodes/node1", patch),
    status: await ask("PATCH", "/api/v1/nodes/node1/status", patch),
    delete: await ask("DELETE", "/api/v1/nodes/nobody"),
    pods: await ask("GET", "/api/v1/pods"),
    secrets: await ask("GET", "/api/v1/namespaces/kube-system/secrets"),
    configMaps: await ask("GET", "/api/v1/namespaces/kube-system/configmaps"),
    exec: await ask("POST", "/api/v1/namespaces/default/pods/any/exec"),
  }).toEqual({
    list: "200",
    get: "200",
    patch: "403",
    status: "403",
    delete: "403",
    pods: "403",
    secrets: "403",
    configMaps: "403",
    exec: "403",
  });
});

test("of the capabilities the agent has NET_ADMIN alone, and it can get no other", async () => {
  const status = await node(1).must(
    'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline | grep -q "^/bin/node .*/pontoon-agent" && cat $p/status; done; true',
  );
  const line = (name: string) => new RegExp(`^${name}:\\s+(\\S+)$`, "m").exec(status)?.[1];
  const NET_ADMIN = (1n << 12n).toString(16).padStart(16, "0");
  expect([line("CapEff"), line("CapPrm"), line("CapBnd"), line("NoNewPrivs"), line("Seccomp")]).toEqual([
    NET_ADMIN,
    NET_ADMIN,
    NET_ADMIN,
    "1",
    "2",
  ]);
});

test("its root is read-only, and of the node it sees two folders", async () => {
  const { items } = await get("pods", "-n", "kube-system", "-l", "app.kubernetes.io/name=pontoon");
  const { spec } = (items as Thing[])[0] ?? {};
  expect(spec.volumes.flatMap(({ hostPath }: Thing) => hostPath?.path ?? []).sort()).toEqual([
    "/etc/cni/net.d",
    "/opt/cni/bin",
  ]);
  const write = 'try { fs.writeFileSync("/file", "") } catch (error) { console.log(error.code) }';
  const words = ["exec", await agentOn(1), "-n", "kube-system", "--", "/bin/node", "-e", write];
  expect((await stage(["kubectl", ...words])).trim()).toBe("EROFS");
});
