// A node with a thousand pods, each with two host ports: ours really connects them, of the reference there
// are the rules alone, as it would have written them.
import { bridgePlugin, type Chain } from "./chain.ts";
import { hostPorts, numbered } from "./full-job.ts";
import { Plugin } from "./plugin.ts";
import { openChain, openNode, quiet, type Scene } from "./scene.ts";

/** So many pods, those with which every node starts included. */
export const PODS = 1_000;
const RESIDENTS = 3;
const AT_ONCE = 50;

const CAPABILITIES = { portMappings: true };

function wishes(): (pod: string) => Record<string, unknown> {
  const numberOf = numbered();
  return (pod) => ({ portMappings: hostPorts(numberOf(pod), 2) });
}

/**
 * A node of ours with `pods` connected, on as many networks with a bridge each; what is measured is on the
 * first one. The namespaces of `more` are there, too. Ends when the node is quiet: a thousand pods look for
 * routers first.
 */
export async function openOurs(
  scene: Scene,
  pods: number,
  networks: number,
  more: string[],
): Promise<Plugin> {
  const others = Array.from({ length: pods - RESIDENTS }, (_, index) => `other-${index}`);
  const runtimeConfig = wishes();
  const first = await openNode(
    scene,
    scene.ours,
    { masquerade: true, keys: { capabilities: CAPABILITIES }, runtimeConfig },
    more,
  );
  await first.host.makePods(others, "without loopback");
  const plugins = [first];
  for (let number = 1; number < networks; number++)
    plugins.push(
      new Plugin(first.host, scene.ours, {
        masquerade: true,
        keys: { ...otherNetwork(number), capabilities: CAPABILITIES },
        runtimeConfig,
      }),
    );
  for (let at = 0; at < others.length; at += AT_ONCE)
    await plugins[(at / AT_ONCE) % networks]?.addAll(others.slice(at, at + AT_ONCE));
  if (others.length > 0) await quiet();
  return first;
}

function otherNetwork(number: number): Record<string, unknown> {
  return {
    name: `bench-${number}`,
    bridge: `bench${number}`,
    ipam: { type: "host-local", ranges: [[{ subnet: `10.${100 + number}.0.0/16` }]] },
  };
}

/** A node of the reference, `bridge` and `portmap`, with the rules of `pods`. */
export async function openReference(scene: Scene, pods: number, more: string[]): Promise<Chain> {
  const chain = await openChain(scene, [bridgePlugin(), { type: "portmap" }], wishes(), more);
  const lines = Array.from({ length: pods - RESIDENTS }, (_, index) => rulesOf(index)).flat();
  const chains = [
    ...new Set(
      lines.map((line) => /^-A (CNI-DN-\S+|CNI-X\S+) /.exec(line)?.[1]).filter((name) => name !== undefined),
    ),
  ];
  chain.host.write(
    "/run/bench/rules",
    ["*nat", ...chains.map((name) => `:${name} - [0:0]`), ...lines, "COMMIT", ""].join("\n"),
  );
  await chain.host.must(["/bin/sh", "-c", "exec iptables-restore --noflush < /run/bench/rules"]);
  return chain;
}

/**
 * Of one pod with two ports, as `bridge` (ipMasq) and `portmap` lay them out. The ports are none that others
 * here use.
 */
function rulesOf(index: number): string[] {
  const address = `10.77.${100 + (index >> 8)}.${index & 255}`;
  const ports = [30_000 + 2 * index, 30_001 + 2 * index];
  const id = index.toString(16).padStart(21, "0");
  const [translating, masquerading] = [`CNI-DN-${id}`, `CNI-X${id}`];
  const about = `-m comment --comment "name: \\"bench\\" id: \\"${id}\\""`;
  return [
    `-A POSTROUTING -s ${address}/32 ${about} -j ${masquerading}`,
    `-A ${masquerading} -d 10.77.0.0/16 ${about} -j ACCEPT`,
    `-A ${masquerading} ! -d 224.0.0.0/4 ${about} -j MASQUERADE`,
    `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"bench\\" id: \\"${id}\\"" -m multiport --dports ${ports.join(",")} -j ${translating}`,
    ...ports.flatMap((port, at) => [
      `-A ${translating} -s 10.77.0.0/16 -p tcp -m tcp --dport ${port} -j CNI-HOSTPORT-SETMARK`,
      `-A ${translating} -s 127.0.0.1/32 -p tcp -m tcp --dport ${port} -j CNI-HOSTPORT-SETMARK`,
      `-A ${translating} -p tcp -m tcp --dport ${port} -j DNAT --to-destination ${address}:${80 + at}`,
    ]),
  ];
}
