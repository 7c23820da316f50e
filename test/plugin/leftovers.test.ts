// DEL gives the machine back. What the first ADD on a host leaves on purpose is listed here, line by line.
import { expect } from "vitest";
import { add, del } from "../support/cni.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";

/** Whatever the addresses are. */
const ALWAYS = [
  // The bridge stays: a DEL that removed it would race with another pod's ADD.
  "+ link pods0 bridge mtu 1500 up",
  "+ sysctl net/ipv6/conf/pods0/accept_dad=0",
  "+ sysctl net/ipv6/conf/pods0/accept_ra=0",
  // Lease directory: the lock of host-local and ours.
  "+ folder /var/lib/cni/networks",
  "+ folder /var/lib/cni/networks/pods",
  "+ file /var/lib/cni/networks/pods/lock",
  // Records: the node's lock, and the mark that this boot's sweep is done.
  "+ folder /var/lib/cni/pontoon",
  "+ folder /var/lib/cni/pontoon/pods",
  "+ file /var/lib/cni/pontoon/.lock",
  "+ file /var/lib/cni/pontoon/pods/boot-HASH",
  // The node's table without any element.
  "+ nft table inet pontoon",
  "+ nft map inet pontoon net4",
  "+ nft map inet pontoon net6",
  "+ nft map inet pontoon on4",
  "+ nft map inet pontoon on6",
  "+ nft chain inet pontoon postrouting",
  "+ nft rule inet pontoon postrouting #1",
  "+ nft rule inet pontoon postrouting #2",
  "+ nft rule inet pontoon postrouting #3",
  "+ nft rule inet pontoon postrouting #4",
];

/** The gateway's address, its route, and forwarding with what the kernel itself changes along with it. */
const IPV4 = [
  "+ address pods0 10.1.0.1/24",
  "+ route 10.1.0.0/24 dev pods0",
  "- sysctl net/ipv4/ip_forward=0",
  "- sysctl net/ipv4/conf/all/forwarding=0",
  "- sysctl net/ipv4/conf/default/forwarding=0",
  "- sysctl net/ipv4/conf/all/accept_redirects=1",
  "+ sysctl net/ipv4/ip_forward=1",
  "+ sysctl net/ipv4/conf/all/forwarding=1",
  "+ sysctl net/ipv4/conf/default/forwarding=1",
  "+ sysctl net/ipv4/conf/all/accept_redirects=0",
];

const IPV6 = [
  "+ address pods0 fd01::1/64",
  "+ route fd01::/64 dev pods0 metric 256",
  "- sysctl net/ipv6/conf/all/forwarding=0",
  "- sysctl net/ipv6/conf/default/forwarding=0",
  "+ sysctl net/ipv6/conf/all/forwarding=1",
  "+ sysctl net/ipv6/conf/default/forwarding=1",
];

for (const { family, subnets } of FAMILIES) {
  scene(
    `${family}: DEL takes back what ADD did; what stays is shared by all pods of the host`,
    async (world) => {
      const pods = install(world, network("pods", { subnets }));
      const red = await world.pod("red");
      const fresh = await snapshot(world);
      await add(world, pods, red);
      await del(world, pods, red);
      const left = (await snapshot(world))
        .minus(fresh)
        .lines.map((line) => line.replace(/boot-[0-9a-f]+$/, "boot-HASH"));
      expect(left.sort()).toEqual([...ALWAYS, ...hints(subnets), ...ofFamilies(subnets)].sort());
    },
  );

  scene(`${family}: a second ADD and DEL add nothing`, async (world) => {
    const pods = install(world, network("pods", { subnets }));
    const red = await world.pod("red");
    await add(world, pods, red);
    await del(world, pods, red);
    const used = await snapshot(world);
    await add(world, pods, red);
    await del(world, pods, red);
    expect((await snapshot(world)).minus(used).lines).toEqual([]);
  });
}

/** Where the next search for an address starts, one file for each of the pod's addresses. */
function hints(subnets: string[]): string[] {
  return subnets.map((_, index) => `+ file /var/lib/cni/networks/pods/last_reserved_ip.${index}`);
}

function ofFamilies(subnets: string[]): string[] {
  return subnets.flatMap((subnet) => (subnet.includes(":") ? IPV6 : IPV4));
}
