// An ADD beside the rules of a cluster: what kube-proxy in iptables mode writes for 5,000 services.

import type { Host } from "../host.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

const SERVICES = 5_000;

type Name = `${"ours" | "reference"} ${"alone" | "beside"}`;

export async function measureServices(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { name: Name; plugin: Awaited<ReturnType<typeof openNode>> }[] = [];
  for (const who of ["ours", "reference"] as const) {
    for (const where of ["alone", "beside"] as const) {
      const plugin = await openNode(scene, scene[who], { masquerade: true }, ["pod"]);
      stack.use(plugin.host);
      if (where === "beside") await writeServices(plugin.host);
      contenders.push({ name: `${who} ${where}`, plugin });
    }
  }
  const times = new Samples<Name>();
  // The reference takes half a second beside so many rules.
  const rounds = Math.ceil(scene.rounds / 2);
  for (let round = -1; round < rounds; round++) {
    for (const { name, plugin } of rotate(contenders, round + 1)) {
      await pause();
      const { ms } = await plugin.add("pod");
      await plugin.del("pod");
      if (round >= 0) times.of(name).add(ms);
    }
  }
  report.heading(
    `ADD beside ${SERVICES.toLocaleString("en")} services of kube-proxy in iptables mode`,
    `masquerade, ${rounds} rounds; the ratio is to our own ADD on an empty host`,
  );
  report.columns();
  const base = times.of("ours alone");
  report.line({ what: "an empty host", ours: base, reference: times.of("reference alone"), base });
  report.line({
    what: "beside the services",
    ours: times.of("ours beside"),
    reference: times.of("reference beside"),
    base,
    target: 1.2,
  });
}

/**
 * Four rules and two chains a service, as kube-proxy lays them out: entry, masquerade mark, choice of the
 * endpoint, translation.
 */
async function writeServices(host: Host): Promise<void> {
  const chains: string[] = [];
  const rules: string[] = [];
  for (let index = 0; index < SERVICES; index++) {
    const id = index.toString(36).toUpperCase().padStart(16, "A");
    const [service, endpoint] = [`KUBE-SVC-${id}`, `KUBE-SEP-${id}`];
    const address = `10.96.${index >> 8}.${index & 255}/32`;
    const target = `10.244.${index >> 8}.${index & 255}`;
    chains.push(`:${service} - [0:0]`, `:${endpoint} - [0:0]`);
    rules.push(
      `-A KUBE-SERVICES -d ${address} -p tcp -m comment --comment "default/service-${index}:http cluster IP" -m tcp --dport 80 -j ${service}`,
      `-A ${service} -m comment --comment "default/service-${index}:http" -j ${endpoint}`,
      `-A ${endpoint} -s ${target}/32 -m comment --comment "default/service-${index}:http" -j KUBE-MARK-MASQ`,
      `-A ${endpoint} -p tcp -m comment --comment "default/service-${index}:http" -m tcp -j DNAT --to-destination ${target}:8080`,
    );
  }
  const text = [
    "*nat",
    ":KUBE-SERVICES - [0:0]",
    ":KUBE-MARK-MASQ - [0:0]",
    ...chains,
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    ...rules,
    "COMMIT",
    "",
  ].join("\n");
  host.write("/run/bench/services", text);
  await host.must(["/bin/sh", "-c", "exec iptables-restore --noflush < /run/bench/services"]);
}
