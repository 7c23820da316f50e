// Does an ADD or a DEL cost more where a thousand pods have host ports?
import { MEASURED } from "../full-job.ts";
import { openOurs, openReference, PODS } from "../full-node.ts";
import { milliseconds, type Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { pause, quiet, rotate, type Scene } from "../scene.ts";
import { ADD_PARTS, DEL_PARTS, kernelPart, sums } from "./floor.ts";

const FEW = 3;
const BRIDGES = 10;

export async function measureThousand(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  // A node with so many namespaces takes the kernel seconds to clean up.
  stack.defer(quiet);
  const few = `${FEW}`;
  const many = `${PODS.toLocaleString("en")} on ${BRIDGES} bridges`;
  const crowded = `${PODS.toLocaleString("en")} on one bridge`;
  const contenders = [
    { name: `ours ${few}`, plugin: await openOurs(scene, FEW, 1, [MEASURED]) },
    { name: `reference ${few}`, plugin: await openReference(scene, FEW, [MEASURED]) },
    { name: `reference ${many}`, plugin: await openReference(scene, PODS, [MEASURED]) },
    { name: `ours ${many}`, plugin: await openOurs(scene, PODS, BRIDGES, [MEASURED]) },
    { name: `ours ${crowded}`, plugin: await openOurs(scene, PODS, 1, [MEASURED]) },
  ];
  for (const { plugin } of contenders) stack.use(plugin.host);

  const times = new Samples();
  const rounds = Math.ceil(scene.rounds / 2);
  for (let round = -2; round < rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      for (const { name, plugin } of rotate(contenders, round + 2)) {
        await pause();
        const { ms } = await plugin[verb](MEASURED);
        if (round >= 0) times.of(`${verb} ${name}`).add(ms);
      }
    }
  }

  report.heading(
    "Beside pods with two host ports each",
    `masquerade; reference: bridge and portmap with iptables, of the others the rules alone; ${rounds} rounds; the ratio is to our own beside few`,
  );
  report.columns();
  for (const verb of ["add", "del"] as const) {
    const base = times.of(`${verb} ours ${few}`);
    for (const what of [few, many, crowded]) {
      const reference = what === crowded ? undefined : times.of(`${verb} reference ${what}`);
      report.line({
        what: `${verb.toUpperCase()} beside ${what}`,
        ours: times.of(`${verb} ours ${what}`),
        reference,
        base,
        ...(what === few ? {} : { target: 1.25 }),
      });
    }
  }
  for (const what of [few, crowded]) {
    const host = contenders.find(({ name }) => name === `ours ${what}`)?.plugin.host;
    if (host === undefined) continue;
    const spent = await kernelPart(host, MEASURED, rounds);
    report.plain(`the kernel's part of an ADD beside ${what}`, milliseconds(sums(spent, ADD_PARTS)));
    report.plain(`the kernel's part of a DEL beside ${what}`, milliseconds(sums(spent, DEL_PARTS)));
  }
}
