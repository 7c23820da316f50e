// The full job of a node: one entry of ours beside the five plugins of the reference.
import { fullChain, fullEntry, fullWishes, MEASURED } from "../full-job.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openChain, openNode, pause, rotate, type Scene } from "../scene.ts";

export async function measureChain(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders = [
    { name: "ours", plugin: await openNode(scene, scene.ours, fullEntry(), [MEASURED]) },
    { name: "iptables", plugin: await openChain(scene, fullChain(), fullWishes(), [MEASURED]) },
    { name: "nftables", plugin: await openChain(scene, fullChain("nftables"), fullWishes(), [MEASURED]) },
  ] as const;
  for (const { plugin } of contenders) stack.use(plugin.host);

  const times = new Samples();
  for (let round = -2; round < scene.rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      for (const { name, plugin } of rotate(contenders, round + 2)) {
        await pause();
        const { ms } = await plugin[verb](MEASURED);
        if (round >= 0) times.of(`${verb} ${name}`).add(ms);
      }
    }
  }

  report.heading(
    "The full job",
    "masquerade, one host port, ingress policy, bandwidth both ways, two sysctls; reference: the time of its five plugins, added up",
  );
  report.columns();
  for (const [verb, target] of [
    ["add", 0.08],
    ["del", 0.14],
  ] as const) {
    for (const backend of ["iptables", "nftables"]) {
      const wanted = backend === "iptables" ? { target } : {};
      report.line({
        what: `${verb.toUpperCase()}; reference with ${backend}`,
        ours: times.of(`${verb} ours`),
        reference: times.of(`${verb} ${backend}`),
        ...wanted,
      });
    }
  }
}
