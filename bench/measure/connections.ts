// How long a connection through a host port takes, and whether other pods' host ports make it slower. The
// client is a machine beyond the node.
import { compileConnect } from "../compile.ts";
import { FIRST_PORT, MEASURED } from "../full-job.ts";
import { openOurs, openReference, PODS } from "../full-node.ts";
import type { Host } from "../host.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { quiet, rotate, type Scene } from "../scene.ts";

const FEW = 3;
/** Of one measurement. */
const CONNECTIONS = 2_000;
/** The node's address on the wire to the outside. */
const NODE = "192.168.50.1";

export async function measureConnections(scene: Scene, report: Report): Promise<void> {
  const connect = compileConnect();
  await using stack = new AsyncDisposableStack();
  // A node with so many namespaces takes the kernel seconds to clean up.
  stack.defer(quiet);
  const names = [MEASURED, "outside"];
  const contenders = [
    { name: `ours ${FEW}`, plugin: await openOurs(scene, FEW, 1, names) },
    { name: `ours ${PODS}`, plugin: await openOurs(scene, PODS, 10, names) },
    { name: `reference ${FEW}`, plugin: await openReference(scene, FEW, names) },
    { name: `reference ${PODS}`, plugin: await openReference(scene, PODS, names) },
  ];
  for (const { plugin } of contenders) {
    stack.use(plugin.host);
    await addOutside(plugin.host);
    await plugin.add(MEASURED);
  }

  const times = new Samples();
  const rounds = Math.ceil(scene.rounds / 2);
  for (let round = -2; round < rounds; round++) {
    for (const { name, plugin } of rotate(contenders, round + 2)) {
      const took = await plugin.host.must([
        connect,
        "/run/netns/outside",
        `/run/netns/${MEASURED}`,
        NODE,
        String(FIRST_PORT),
        "80",
        String(CONNECTIONS),
      ]);
      if (round >= 0) times.of(name).add(Number(took) / 1e6);
    }
  }

  report.heading(
    "Connections through a host port",
    `from beyond the node; milliseconds for ${CONNECTIONS.toLocaleString("en")}, one after the other; ${rounds} rounds; the ratio is to the own ones beside few pods`,
  );
  report.columns();
  const base = times.of(`ours ${FEW}`);
  for (const count of [FEW, PODS]) {
    const target = count === PODS ? { target: 1.05 } : {};
    report.line({
      what: `beside ${count.toLocaleString("en")} pods`,
      ours: times.of(`ours ${count}`),
      reference: times.of(`reference ${count}`),
      base,
      ...target,
    });
  }
}

/** A machine on a wire of its own, that knows the node's address there. */
async function addOutside(host: Host): Promise<void> {
  host.write(
    "/run/bench/outside",
    [
      "link add uplink type veth peer name wire netns outside",
      `address add ${NODE}/24 dev uplink`,
      "link set uplink up",
      "",
    ].join("\n"),
  );
  await host.must(["/sbin/ip", "-batch", "/run/bench/outside"]);
  host.write(
    "/run/bench/outside",
    ["address add 192.168.50.2/24 dev wire", "link set wire up", ""].join("\n"),
  );
  await host.must(["/sbin/ip", "-n", "outside", "-batch", "/run/bench/outside"]);
}
