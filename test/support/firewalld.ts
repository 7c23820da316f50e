// A firewalld of the world's own, with a message bus of its own. Nothing of the machine's is touched.

import { toolPath } from "./tool.ts";
import { waitFor } from "./wait.ts";
import type { World } from "./world.ts";

const BUS = "/run/world/bus.conf";
/** Empty: what firewalld brings along counts, and not what an administrator made of it. */
const CONFIG = "/run/world/firewalld";

/** No service is started by this bus, so none outlives the world. */
const BUS_CONFIG = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
`;

/**
 * Starts firewalld in the world and waits until it answers. Its zone for all that it does not know is
 * "public", which forwards to no other zone.
 */
export async function startFirewalld(world: World): Promise<AsyncDisposable> {
  await world.host.must(`mkdir -p /run/dbus /run/firewalld ${CONFIG}`);
  await world.host.must("mount -t tmpfs tmpfs /var/log");
  world.write(BUS, BUS_CONFIG);
  const bus = world.host.start(
    [toolPath("dbus-daemon"), `--config-file=${BUS}`, "--nofork", "--nopidfile", "--print-address=1"],
    { timeoutMs: 120_000 },
  );
  await bus.says("unix:path");
  const daemon = world.host.start([toolPath("firewalld"), "--nofork", "--nopid", "--system-config", CONFIG], {
    timeoutMs: 120_000,
  });
  await waitFor(
    "firewalld answers",
    async () => (await world.host.exec("firewall-cmd --state")).status === 0,
    20_000,
  );
  return {
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await bus.stop();
    },
  };
}

/** The zone that firewalld has an interface in, or "no zone". */
export async function zoneOf(world: World, interfaceName: string): Promise<string> {
  const { stdout, stderr } = await world.host.exec(`firewall-cmd --get-zone-of-interface=${interfaceName}`);
  return `${stdout}${stderr}`.trim();
}
