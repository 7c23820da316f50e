// Devices that no pod gets: one clear error with the name and the way out, and the node is as it was.
import { expect } from "vitest";
import { add, mustFail, plugin } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { install } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { World } from "../support/world.ts";

interface Refused {
  promise: string;
  /** Commands of `ip` on a host with the card eth7. */
  by?: string[];
  wishes?: object;
  error: RegExp;
}

const REFUSED: Refused[] = [
  {
    promise: "the device of the default route",
    by: ["route add default via 192.0.2.1"],
    error: /"eth7".*default route.*"force": true/,
  },
  {
    promise: "the device of the default route of IPv6",
    by: ["-6 route add default via 2001:db8::1"],
    error: /"eth7".*default route.*"force": true/,
  },
  {
    promise: "a port of a bridge",
    by: ["link add br7 type bridge", "link set eth7 master br7"],
    error: /"eth7".*port of bridge br7.*ip link set eth7 nomaster/,
  },
  {
    promise: "a bridge",
    by: ["link add br7 type bridge", "link set eth7 master br7"],
    wishes: { device: "br7" },
    error: /"br7".*is a bridge.*"attach": "bridge"/,
  },
  { promise: "loopback", wishes: { device: "lo" }, error: /"lo".*loopback of its own.*another device/ },
  { promise: "an unknown device", wishes: { device: "eth9" }, error: /no interface .* "eth9".*ip -d link/ },
  {
    promise: "an unknown MAC",
    wishes: { device: "", hwaddr: "02-EE-EE-EE-EE-EE" },
    error: /02:ee:ee:ee:ee:ee/,
  },
  {
    promise: "hardware that is not there",
    wishes: { device: "", pciBusID: "0000:ff:1f.7" },
    error: /"0000:ff:1f.7".*ip -d link/,
  },
  {
    promise: "a path where no device is",
    wishes: { device: "", kernelpath: "/sys/devices/pci0000:ff/0000:ff:1f.7" },
    error: /0000:ff:1f.7/,
  },
  {
    promise: "a list of which none is free",
    by: ["route add default via 192.0.2.1"],
    wishes: { device: "", devices: ["lo", "eth?"] },
    error: /none of lo, eth\? is free.*"lo".*loopback.*"eth7".*default route/,
  },
];

for (const { promise, by = [], wishes, error } of REFUSED)
  scene(`${promise} is refused, and stays as it was`, async (world) => {
    await plugIn(world);
    for (const command of by) await world.host.must(`ip ${command}`);
    const network = deviceNetwork("lan", { device: "eth7", ...wishes });
    await staysAsItWas(world, async () => {
      const { code, msg, details } = mustFail(
        await plugin(world, "ADD", {
          network,
          pod: world.pods[0]!,
          containerId: "red",
          interfaceName: "net1",
        }),
      );
      expect(code).toBe(126);
      expect(`${msg} ${details}`).toMatch(error);
    });
  });

async function staysAsItWas(world: World, action: () => Promise<void>): Promise<void> {
  const before = await snapshot(world);
  await action();
  const isFolder = (line: string): boolean => /folder|\.lock|last_reserved|file/.test(line);
  expect((await snapshot(world)).minus(before).lines.filter((line) => !isFolder(line))).toEqual([]);
}

scene("with force the device of the default route is taken", async (world) => {
  const { name } = await plugIn(world);
  await world.host.must("ip route add default via 192.0.2.1");
  const lan = install(world, deviceNetwork("lan", { device: name, force: true }));
  expect((await add(world, lan, await world.pod("red"))).interfaces).toMatchObject([{ name: "eth0" }]);
});

for (const by of ["device", "devices", "hwaddr"])
  scene(`a device that another pod holds, named by ${by}, is refused with that pod's name`, async (world) => {
    const { name } = await plugIn(world);
    const hwaddr = "02:00:00:00:04:07";
    const wishes = { device: { device: name }, devices: { devices: ["eth[0-9]"] }, hwaddr: { hwaddr } }[by];
    const [lan, other] = [
      install(world, deviceNetwork("lan", { device: name })),
      install(world, deviceNetwork("other", { ...wishes })),
    ];
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, lan, red, { CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web" });
    const { msg, details } = mustFail(await plugin(world, "ADD", { network: other, pod: blue }));
    expect(`${msg} ${details}`).toMatch(
      /"eth7".*pod default\/web \(network lan, eth0\) has it.*Delete that pod/,
    );
  });

scene("the host's end of another pod's veth pair is that pod's, and is refused", async (world) => {
  const pods = install(world, ptpNetwork("pods"));
  const red = await world.pod("red");
  const { interfaces: [end] = [] } = await add(world, pods, red);
  const network = deviceNetwork("lan", { device: end!.name });
  const { details } = mustFail(await plugin(world, "ADD", { network, pod: await world.pod("blue") }));
  expect(details).toContain(`container ${red.containerId} (network pods, eth0) has it`);
});

scene("an interface name that the pod has is refused, and the device stays on the node", async (world) => {
  const { name } = await plugIn(world);
  const red = await world.pod("red");
  await red.must("ip link add eth0 type veth peer name eth1");
  await staysAsItWas(world, async () => {
    expect(
      mustFail(await plugin(world, "ADD", { network: deviceNetwork("lan", { device: name }), pod: red }))
        .code,
    ).toBe(121);
  });
});

scene("an MTU that the device cannot have is refused, and the device is back as it was", async (world) => {
  const { name } = await plugIn(world);
  await world.host.must(`ip link add link ${name} name low7 type macvlan`);
  const network = deviceNetwork("lan", { device: "low7", mtu: 65535 });
  const pod = await world.pod("red");
  await staysAsItWas(world, async () => {
    const { code, details } = mustFail(await plugin(world, "ADD", { network, pod }));
    expect([code, details]).toEqual([126, expect.stringContaining("an MTU of 65535")]);
  });
});

scene("the node's own namespace is refused", async (world) => {
  const { name } = await plugIn(world);
  await staysAsItWas(world, async () => {
    const call = {
      network: deviceNetwork("lan", { device: name }),
      containerId: "red",
      netns: world.hostNamespace,
    };
    const { code, details } = mustFail(
      await plugin(world, "ADD", { ...call, env: { CNI_NETNS_OVERRIDE: "1" } }),
    );
    expect(code).toBe(126);
    expect(details).toContain("the node's own");
  });
});
