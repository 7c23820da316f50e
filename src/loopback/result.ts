// The result of the plugin `loopback` for a pod that no plugin was asked about before. Pure.
import type { Result } from "../cni/result.ts";
import type { Prefix } from "../ip/prefix.ts";

/** The loopback interface with its first address of each family, IPv4 first. */
export function loopbackResult(addresses: readonly Prefix[], namespacePath: string): Result {
  const firsts = ([4, 6] as const).flatMap(
    (family) => addresses.find(({ address }) => address.family === family) ?? [],
  );
  return {
    interfaces: [{ name: "lo", mac: "00:00:00:00:00:00", sandbox: namespacePath }],
    ips: firsts.map((address) => ({ interface: 0, address })),
    routes: [],
    dns: {},
  };
}
