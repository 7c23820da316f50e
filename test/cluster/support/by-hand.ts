// The network of the reference plugins, with routes and masquerading by hand: what a cluster has without an
// agent.
import { get, node, type Thing } from "./stage.ts";

const CONFLIST = "/etc/cni/net.d/20-reference.conflist";

/** Name, pods' subnets and addresses of every node. */
export async function nodes(): Promise<{ n: number; subnets: string[]; addresses: string[] }[]> {
  const { items } = await get("nodes");
  return (items as Thing[]).map(({ metadata, spec, status }) => ({
    n: Number(metadata["name"].slice("node".length)),
    subnets: spec["podCIDRs"] ?? [],
    addresses: (status["addresses"] as Thing[])
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => address as string),
  }));
}

/** True for texts of IPv6: an address or a subnet. */
const isSix = (text: string) => text.includes(":");

/** Puts the reference network on every node. */
export async function startReference(): Promise<void> {
  const all = await nodes();
  for (const { n, subnets } of all) {
    const bridge = {
      type: "bridge",
      bridge: "cni0",
      isDefaultGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) },
    };
    const portmap = { type: "portmap", capabilities: { portMappings: true } };
    const list = { cniVersion: "1.0.0", name: "reference", plugins: [bridge, portmap] };
    const here = node(n);
    for (const other of all.filter((each) => each.n !== n)) {
      for (const subnet of other.subnets) {
        const via = other.addresses.find((address) => isSix(address) === isSix(subnet));
        await here.must(`ip route replace ${subnet} via ${via}`);
      }
    }
    await here.must(`cat > ${CONFLIST}.new && mv ${CONFLIST}.new ${CONFLIST}`, {
      stdin: JSON.stringify(list),
    });
  }
}

/** Takes it away, with its bridge; no pod may be left. */
export async function stopReference(): Promise<void> {
  const all = await nodes();
  for (const { n } of all) {
    await node(n).must(`rm -f ${CONFLIST}; ip link del cni0 2> /dev/null || true`);
    for (const { subnets } of all.filter((each) => each.n !== n))
      for (const subnet of subnets) await node(n).try(`ip route del ${subnet}`);
  }
}
