// Many host ports on one pod.
import { bridgePlugin } from "../chain.ts";
import { hostPorts, MEASURED, numbered } from "../full-job.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openChain, openNode, pause, rotate, type Scene } from "../scene.ts";

const COUNTS = [1, 100];

export async function measurePorts(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { name: string; plugin: Awaited<ReturnType<typeof openNode | typeof openChain>> }[] = [];
  for (const count of COUNTS) {
    const numberOf = numbered();
    const wishes = (pod: string) => ({ portMappings: hostPorts(numberOf(pod), count) });
    contenders.push({
      name: `ours ${count}`,
      plugin: await openNode(
        scene,
        scene.ours,
        { masquerade: true, keys: { capabilities: { portMappings: true } }, runtimeConfig: wishes },
        [MEASURED],
      ),
    });
    contenders.push({
      name: `reference ${count}`,
      plugin: await openChain(scene, [bridgePlugin(), { type: "portmap" }], wishes, [MEASURED]),
    });
  }
  for (const { plugin } of contenders) stack.use(plugin.host);

  const times = new Samples();
  // The reference takes a second for a hundred.
  const rounds = Math.ceil(scene.rounds / 2);
  for (let round = -1; round < rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      for (const { name, plugin } of rotate(contenders, round + 1)) {
        await pause();
        const { ms } = await plugin[verb](MEASURED);
        if (round >= 0) times.of(`${verb} ${name}`).add(ms);
      }
    }
  }

  report.heading(
    "Host ports of one pod",
    `masquerade; reference: bridge and portmap with iptables; ${rounds} rounds; the ratio is to our own with one`,
  );
  report.columns();
  for (const verb of ["add", "del"] as const) {
    const base = times.of(`${verb} ours 1`);
    for (const count of COUNTS) {
      const target = verb === "add" && count > 1 ? { target: 1.5 } : {};
      report.line({
        what: `${verb.toUpperCase()}, ${count}`,
        ours: times.of(`${verb} ours ${count}`),
        reference: times.of(`${verb} reference ${count}`),
        base,
        ...target,
      });
    }
  }
}
