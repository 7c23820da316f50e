// dhcp asks for the pod's address through the pod's interface, which therefore has to be there before.
import { expect } from "vitest";
import { add, addressOf, check, del } from "../support/cni.ts";
import { addPlugins, foreignNetwork } from "../support/ipam.ts";
import { install } from "../support/network.ts";
import type { BackgroundProcess } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

const SERVER = "10.1.0.1";

for (const ipspoofchk of [false, true])
  scene(
    `a pod gets its address from a DHCP server on the bridge, and the daemon forgets it after DEL${ipspoofchk ? ", with ipspoofchk" : ""}`,
    async (world) => {
      addPlugins(world, "dhcp");
      const keys = { isDefaultGateway: false, isGateway: false, ipMasq: false, ipspoofchk };
      const pods = install(world, foreignNetwork("pods", { type: "dhcp" }, keys));
      const server = await addServer(world);
      await using _server = await serveAddresses(world, server);
      await using daemon = world.host.start(`${toolPath("dhcp")} daemon`);
      await waitFor("the daemon listens", () => world.has("/run/cni/dhcp.sock"));
      const red = await world.pod("red");
      const result = await add(world, pods, red);
      expect(addressOf(result)).toMatch(/^10\.1\.0\.(5\d|60)$/);
      expect(result.ips?.[0]?.gateway).toBe(SERVER);
      expect(await red.must("ip route show default")).toContain(`default via ${SERVER} dev eth0`);
      expect(await pings(red, SERVER)).toBe(true);
      expect(await check(world, pods, red)).toBeUndefined();
      await del(world, pods, red);
      expect((await red.exec("ip link show eth0")).status).not.toBe(0);
      expect(daemon.output).toContain("releasing lease");
    },
    60_000,
  );

/** A machine on the pods' bridge, which somebody made before. */
async function addServer(world: World): Promise<Pod> {
  const server = await world.pod("server");
  await world.host.must([
    "sh",
    "-e",
    "-c",
    `
    ip link add pods0 type bridge
    ip link set pods0 up
    ip link add wire type veth peer name eth0 netns server
    ip link set wire master pods0 up`,
  ]);
  await server.must(["sh", "-e", "-c", `ip address add ${SERVER}/24 dev eth0; ip link set eth0 up`]);
  return server;
}

async function serveAddresses(world: World, server: Pod): Promise<BackgroundProcess> {
  world.write(
    "/run/world/udhcpd.conf",
    `start 10.1.0.50\nend 10.1.0.60\ninterface eth0\nlease_file /run/world/leases\npidfile /run/world/udhcpd.pid\noption subnet 255.255.255.0\noption router ${SERVER}\noption lease 600\n`,
  );
  world.write("/run/world/leases", "");
  // Without -a it looks for two seconds whether somebody has the address already.
  const process = server.start([toolPath("busybox"), "udhcpd", "-f", "-a", "10", "/run/world/udhcpd.conf"]);
  await process.says("started");
  return process;
}
