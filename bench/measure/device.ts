// A device of the node that moves into a pod and back, beside the reference host-device.
import { dirname } from "node:path";
import { toolPath } from "../../test/support/tool.ts";
import { Host } from "../host.ts";
import { Plugin } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { pause, rotate, type Scene } from "../scene.ts";

type Name = "ours" | "reference";

const CARD = "card0";
const POD = "pod";

export async function measureDevice(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const path = toolPath("host-device");
  const programs = { ours: scene.ours, reference: { ...scene.reference, type: "host-device", path } };
  const contenders: { name: Name; plugin: Plugin }[] = [];
  for (const name of ["ours", "reference"] as const) {
    const host = stack.use(await Host.open(scene.runner));
    await host.makePods([POD, "lan"]);
    await host.must([
      "/sbin/ip",
      "link",
      "add",
      CARD,
      "type",
      "veth",
      "peer",
      "name",
      "wire",
      "netns",
      "lan",
    ]);
    const program = { ...programs[name], folder: `${programs[name].folder}:${dirname(path)}` };
    contenders.push({ name, plugin: new Plugin(host, program, { masquerade: false, keys: keysOf(name) }) });
  }
  const [adds, dels] = [new Samples<Name>(), new Samples<Name>()];
  for (let round = -2; round < scene.rounds; round++) {
    for (const { name, plugin } of rotate(contenders, round + 2)) {
      await pause();
      const added = await plugin.add(POD);
      const deleted = await plugin.del(POD);
      if (round < 0) continue;
      adds.of(name).add(added.ms);
      dels.of(name).add(deleted.ms);
    }
  }
  report.heading("A device of the node", "a veth end that is moved into the pod and given back");
  report.columns();
  report.line({ what: "ADD", ours: adds.of("ours"), reference: adds.of("reference"), target: 0.6 });
  report.line({ what: "DEL", ours: dels.of("ours"), reference: dels.of("reference") });
}

/** The keys of a bridge, which the reference does not read, are taken out. */
function keysOf(name: Name): Record<string, unknown> {
  const none = { bridge: undefined, isGateway: undefined, ipMasq: undefined, isDefaultGateway: undefined };
  return { ...none, device: CARD, ...(name === "ours" ? { attach: "device" } : {}) };
}
