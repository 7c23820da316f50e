// Settings inside the pod: made in order, nowhere else, and taken back when the ADD fails.
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import {
  add,
  addDirectly,
  type CniResult,
  check,
  del,
  mustFail,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { dieAt, failAt } from "../support/hurt.ts";
import { linkOf } from "../support/link.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment } from "../support/strace.ts";
import type { Pod, World } from "../support/world.ts";

const WALK = fileURLToPath(new URL("../support/sysctl-walk.ts", import.meta.url));
const PORTS = "net.ipv4.ip_local_port_range";

scene(
  "sysctls are set in the pod and not in the host, with IFNAME, with slashes, as text and as numbers",
  async (world) => {
    const before = await valueOf(world.host, PORTS);
    const { red } = await tuned(world, {
      sysctl: {
        "net.core.somaxconn": 511,
        "net.ipv4.conf.IFNAME.arp_filter": "1",
        "net/ipv4/conf/IFNAME/log_martians": 1,
        [PORTS]: "2000 64999",
      },
      args: { cni: { sysctl: { "net.core.somaxconn": "513" } } },
    });
    expect(await valueOf(red, "net.ipv4.conf.eth0.arp_filter")).toBe("1");
    expect(await valueOf(red, "net.ipv4.conf.eth0.log_martians")).toBe("1");
    expect(await valueOf(red, PORTS)).toBe("2000\t64999");
    // That of args.cni counts.
    expect(await valueOf(red, "net.core.somaxconn")).toBe("513");
    expect(await valueOf(world.host, PORTS)).toBe(before);
  },
);

scene("an interface with a dot in its name is meant by IFNAME", async (world) => {
  const pods = install(world, network("pods", { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } }));
  const red = await world.pod("red");
  const call = { network: pods, pod: red, interfaceName: "net1.5" };
  const prevResult = await addDirectly(world, call);
  expect(await red.must("cat /proc/sys/net/ipv4/conf/net1.5/arp_filter")).toBe("1\n");
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
});

scene(
  "what is set for one interface counts before what is set for all, however a runtime sorts the keys",
  async (world) => {
    const { red } = await tuned(world, {
      sysctl: {
        "net.ipv4.conf.all.forwarding": "1",
        "net.ipv4.conf.IFNAME.forwarding": "0",
        "net.ipv4.conf.lo.forwarding": "0",
      },
    });
    expect(await valueOf(red, "net.ipv4.conf.eth0.forwarding")).toBe("0");
    const other = await tuned(
      world,
      { sysctl: { "net.ipv4.ip_forward": "1", "net.ipv4.conf.IFNAME.forwarding": "0" } },
      "blue",
    );
    expect(await valueOf(other.red, "net.ipv4.conf.eth0.forwarding")).toBe("0");
  },
);

scene(
  "a pod that asks for router advertisements gets them, another one with addresses does not",
  async (world) => {
    const wishes = { subnets: ["fd01::/64"] };
    const { red } = await tuned(world, { ...wishes, sysctl: { "net.ipv6.conf.IFNAME.accept_ra": "1" } });
    expect(await valueOf(red, "net.ipv6.conf.eth0.accept_ra")).toBe("1");
    const { red: blue } = await tuned(world, wishes, "blue");
    expect(await valueOf(blue, "net.ipv6.conf.eth0.accept_ra")).toBe("0");
  },
);

scene("CHECK takes blanks and tabs for the same, and says which setting is another one", async (world) => {
  const { pods, red } = await tuned(world, {
    sysctl: { [PORTS]: "1024 65000" },
    txQLen: 77,
    promisc: true,
    allmulti: true,
  });
  expect(await check(world, pods, red)).toBeUndefined();
  await setValue(red, PORTS, "1024 65001");
  expect(await check(world, pods, red)).toContain(
    `sysctl ${PORTS} in the pod is "1024 65001" instead of "1024 65000"`,
  );
  await setValue(red, PORTS, "1024 65000");
  const harms = {
    "txqueuelen 78": "has a queue of 78 packets instead of 77",
    "promisc off": "is not promiscuous",
    "allmulticast off": "does not take all multicast frames",
  };
  const cures = ["txqueuelen 77", "promisc on", "allmulticast on"];
  for (const [at, [harm, sentence]] of Object.entries(harms).entries()) {
    await red.must(`ip link set eth0 ${harm}`);
    expect(await check(world, pods, red), harm).toContain(`interface eth0 in the pod ${sentence}`);
    await red.must(`ip link set eth0 ${cures[at]}`);
  }
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "queue length, promiscuous and all-multicast mode are the pod's end's; the MAC too, and a request counts before it",
  async (world) => {
    const mac = "0a:58:00:00:00:07";
    const { red, result } = await tuned(world, {
      txQLen: 0,
      promisc: true,
      allmulti: true,
      mac,
      macspoofchk: true,
    });
    const link = (
      await red.json<{ flags: string[]; txqlen?: number; address: string }[]>("ip -j -d link show eth0")
    )[0]!;
    expect(link).toMatchObject({ flags: expect.arrayContaining(["PROMISC", "ALLMULTI"]), address: mac });
    expect(link.txqlen ?? 0).toBe(0);
    expect(result.interfaces![2]!.mac).toBe(mac);
    await red.must("ping -n -c 1 -W 1 10.1.0.1");
    const asked = await tuned(world, { mac, args: { cni: { mac: "0a:58:00:00:00:08" } } }, "blue");
    expect((await linkOf(asked.red, "eth0")).address).toBe("0a:58:00:00:00:08");
  },
);

for (const [name, sysctl, code, text] of [
  [
    "a value that the kernel refuses",
    { "net.core.somaxconn": "513", "net.ipv4.ip_forward": "yes" },
    140,
    /net\.ipv4\.ip_forward = \\?"yes\\?" in the pod.*EINVAL/s,
  ],
  [
    "a name that the kernel does not have",
    { "net.core.somaxconn": "513", "net.ipv4.ip_backward": "1" },
    140,
    /net\.ipv4\.ip_backward.*ENOENT/s,
  ],
  [
    "a setting that is the node's",
    { "net.core.somaxconn": "513", "net.core.rmem_max": "1" },
    140,
    /net\.core\.rmem_max.*EACCES/s,
  ],
  [
    "a path that leads elsewhere",
    { "net.core.somaxconn": "513", "net/../../kernel/panic": "1" },
    7,
    /net\/\.\.\/\.\.\/kernel\/panic/,
  ],
] as const) {
  scene(`${name} is named, and nothing that was set before it stays`, async (world) => {
    const pods = install(world, network("pods", { sysctl }));
    const red = await world.pod("red");
    const before = await valueOf(red, "net.core.somaxconn");
    const error = mustFail(await plugin(world, "ADD", { network: pods, pod: red }));
    expect(error.code).toBe(code);
    expect(JSON.stringify(error)).toMatch(text);
    expect(await valueOf(red, "net.core.somaxconn")).toBe(before);
    expect(await red.json("ip -j link show")).toHaveLength(1);
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  });
}

scene(
  "an ADD that fails at any moment puts the namespace's old values back",
  async (world) => {
    const pods = install(
      world,
      network("pods", { sysctl: { "net.core.somaxconn": "513", [PORTS]: "2000 64999" }, txQLen: 5 }),
    );
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    const before = [await valueOf(red, "net.core.somaxconn"), await valueOf(red, PORTS)];
    // With the bridge in place every ADD asks for the same: on a fresh node its own steps would come while
    // nothing fails any more.
    await warmUp(world, pods);
    await atEveryMoment(
      async (moment) => {
        const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, "ENOMEM");
        if (outcome.status === 0) {
          // A whole ADD: what it set is the pod's, and no DEL takes it back.
          mustSucceed(await plugin(world, "DEL", call));
          await setValue(red, "net.core.somaxconn", before[0]!);
          await setValue(red, PORTS, before[1]!);
          return wasHurt;
        }
        expect(
          [await valueOf(red, "net.core.somaxconn"), await valueOf(red, PORTS)],
          `${moment.kind} ${moment.count}`,
        ).toEqual(before);
        return wasHurt;
      },
      ["sendto"],
    );
  },
  60_000,
);

scene(
  "an ADD that dies at any moment leaves no link after a DEL, and the next ADD sets every value",
  async (world) => {
    const pods = install(
      world,
      network("pods", { sysctl: { "net.core.somaxconn": "513", [PORTS]: "2000 64999" }, txQLen: 5 }),
    );
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    const before = [await valueOf(red, "net.core.somaxconn"), await valueOf(red, PORTS)];
    await atEveryMoment(
      async (moment) => {
        await setValue(red, "net.core.somaxconn", before[0]!);
        await setValue(red, PORTS, before[1]!);
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        expect(await red.json("ip -j link show")).toHaveLength(1);
        mustSucceed(await plugin(world, "ADD", call));
        expect([await valueOf(red, "net.core.somaxconn"), (await valueOf(red, PORTS)).split(/\s+/)]).toEqual([
          "513",
          ["2000", "64999"],
        ]);
        mustSucceed(await plugin(world, "DEL", call));
        return died;
      },
      ["sendto"],
    );
  },
  60_000,
);

scene(
  "a list of what is allowed holds: as the reference reads it, for the entry and for args.cni, before anything changes",
  async (world) => {
    await world.host.must("cp -a /etc /run/world/etc");
    await world.host.must("mount --bind /run/world/etc /etc");
    world.write("/etc/cni/tuning/allowlist.conf", "^net.ipv4.conf.IFNAME.arp_filter$\n\n  somaxconn  \n");
    const allowed = { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.core.somaxconn": "513" };
    const { red } = await tuned(world, { sysctl: allowed });
    expect(await valueOf(red, "net.core.somaxconn")).toBe("513");
    for (const wishes of [
      { sysctl: { [PORTS]: "1 2" } },
      { sysctl: { "net.ipv4.conf.eth0.arp_filter": "1" } },
      { args: { cni: { sysctl: { [PORTS]: "1 2" } } } },
    ]) {
      const error = mustFail(
        await plugin(world, "ADD", { network: network("pods", wishes), pod: await podOf(world, "blue") }),
      );
      expect(error).toMatchObject({
        code: 7,
        msg: expect.stringMatching(
          /Sysctl net\S+ is not allowed\. Only the following sysctls are allowed: \[\^net\.ipv4\.conf\.IFNAME\.arp_filter\$ somaxconn\]/,
        ),
      });
    }
    // A list without a line allows nothing.
    world.write("/etc/cni/tuning/allowlist.conf", "\n");
    expect(
      mustFail(
        await plugin(world, "ADD", {
          network: network("pods", { sysctl: allowed }),
          pod: await podOf(world, "blue"),
        }),
      ).msg,
    ).toContain("is not allowed. Only the following sysctls are allowed: []");
    world.write("/etc/cni/tuning/allowlist.conf", "net.(\n");
    expect(
      mustFail(
        await plugin(world, "ADD", {
          network: network("pods", { sysctl: allowed }),
          pod: await podOf(world, "blue"),
        }),
      ).msg,
    ).toContain('allowlist.conf: "net.(" is no regular expression');
  },
);

scene("nothing that a pod may write below /proc/sys/net is the host's", async (world) => {
  const { red } = await tuned(world, {});
  const { written, leaks } = JSON.parse(await red.must([process.execPath, WALK, world.hostNamespace])) as {
    written: number;
    leaks: string[];
  };
  expect(written).toBeGreaterThan(200);
  expect(leaks).toEqual([]);
});

scene("in the host's own namespace, where that is allowed at all, no sysctl is set", async (world) => {
  const error = mustFail(
    await plugin(world, "ADD", {
      network: network("pods", { sysctl: { "net.core.somaxconn": "513" } }),
      containerId: "c1",
      netns: world.hostNamespace,
      env: { CNI_NETNS_OVERRIDE: "1" },
    }),
  );
  expect(error).toMatchObject({
    code: 140,
    details: expect.stringContaining("the pod's namespace is the host's own"),
  });
  expect(await valueOf(world.host, "net.core.somaxconn")).not.toBe("513");
});

scene("DEL takes the interface and leaves no file behind", async (world) => {
  const { pods, red } = await tuned(world, { sysctl: { "net.core.somaxconn": "513" } });
  await world.removePod(red);
  await del(world, pods, red);
  expect(await world.host.must("find /run /var/lib/cni -name *eth0*")).toBe("");
});

async function podOf(world: World, name: string): Promise<Pod> {
  return world.pods.find((pod) => pod.name === name) ?? world.pod(name);
}

async function tuned(
  world: World,
  wishes: NetworkWishes,
  name = "red",
): Promise<{ pods: ReturnType<typeof network>; red: Pod; result: CniResult }> {
  const pods = install(world, network("pods", wishes));
  const red = await podOf(world, name);
  return { pods, red, result: await add(world, pods, red) };
}

async function valueOf(place: Place, key: string): Promise<string> {
  return (await place.must(`cat /proc/sys/${key.replaceAll(".", "/")}`)).trim();
}

async function setValue(place: Place, key: string, value: string): Promise<void> {
  await place.must(["sh", "-c", `echo "${value}" > /proc/sys/${key.replaceAll(".", "/")}`]);
}
