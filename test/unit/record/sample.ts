// A record to test with.
import type { AttachmentRecord, HostIdentity } from "../../../src/record/attachment.ts";
import { hostInterfaceName } from "../../../src/record/digest.ts";

export const HOST: HostIdentity = { bootId: "11111111-2222-3333-4444-555555555555", hostCookie: "4097" };

export function recordOf(containerId: string, network = "net"): AttachmentRecord {
  const key = { network, containerId, interfaceName: "eth0" };
  return {
    version: 1,
    key,
    host: HOST,
    namespace: { path: "/run/netns/test", cookie: "8193" },
    leaseDirectory: "/leases/net",
    bridge: "cni0",
    hostInterface: hostInterfaceName(key),
    hostMac: "0a:00:00:00:00:f0",
    mac: "0a:00:00:00:00:01",
    mtu: 1500,
    addresses: ["10.1.2.3/16"],
    pod: "default/web",
  };
}
