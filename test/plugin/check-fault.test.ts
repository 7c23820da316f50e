// CHECK fails with a clear sentence after each of these faults, and passes again when the fault is mended.
import { expect } from "vitest";
import { add, addDirectly, check, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import type { World } from "../support/world.ts";

interface Fault {
  name: string;
  /** Where the command runs; VETH in it stands for the pod's link on the host's side. */
  where: "host" | "red";
  harm: string;
  /** How a person would put it right; absent where that is not one command. */
  mend?: string;
  says: RegExp;
}

const IPV4: Fault[] = [
  {
    name: "the address is removed",
    where: "red",
    harm: "ip address del 10.1.0.2/24 dev eth0",
    says: /10\.1\.0\.2/,
  },
  {
    name: "the default route is removed",
    where: "red",
    harm: "ip route del default",
    mend: "ip route add default via 10.1.0.1",
    says: /0\.0\.0\.0\/0|default/,
  },
  {
    name: "the pod's link is detached from the bridge",
    where: "host",
    harm: "ip link set VETH nomaster",
    mend: "ip link set VETH master pods0",
    says: /pods0/,
  },
  {
    name: "the bridge is down",
    where: "host",
    harm: "ip link set pods0 down",
    mend: "ip link set pods0 up",
    says: /pods0/,
  },
  {
    name: "the gateway's address is removed",
    where: "host",
    harm: "ip address del 10.1.0.1/24 dev pods0",
    mend: "ip address add 10.1.0.1/24 dev pods0",
    says: /10\.1\.0\.1/,
  },
  { name: "the ruleset is flushed", where: "host", harm: "nft flush ruleset", says: /masquerad|rule/i },
  {
    name: "the table is flushed and its chains are empty",
    where: "host",
    harm: "nft flush table inet pontoon",
    says: /masquerad|rule/i,
  },
  {
    name: "the pod's element is flushed",
    where: "host",
    harm: "nft flush map inet pontoon net4",
    says: /10\.1\.0\.2|masquerad/i,
  },
  {
    name: "forwarding is switched off",
    where: "host",
    harm: "sysctl -w net.ipv4.ip_forward=0",
    mend: "sysctl -w net.ipv4.ip_forward=1",
    says: /forward/,
  },
  {
    name: "hairpin is changed",
    where: "host",
    harm: "bridge link set dev VETH hairpin on",
    mend: "bridge link set dev VETH hairpin off",
    says: /hairpin/i,
  },
  {
    name: "the MTU is raised in the pod",
    where: "red",
    harm: "ip link set eth0 mtu 9000",
    mend: "ip link set eth0 mtu 1500",
    says: /MTU 9000/,
  },
  {
    name: "the subnet's route is removed in the pod",
    where: "red",
    harm: "ip route del 10.1.0.0/24 dev eth0",
    mend: "ip route add 10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2",
    says: /no route to 10\.1\.0\.0\/24/,
  },
  {
    name: "the bridge does not forward, although the node does",
    where: "host",
    harm: "sysctl -w net.ipv4.conf.pods0.forwarding=0",
    mend: "sysctl -w net.ipv4.conf.pods0.forwarding=1",
    says: /pods0 does not forward/,
  },
  {
    name: "the bridge takes router advertisements",
    where: "host",
    harm: "sysctl -w net.ipv6.conf.pods0.accept_ra=1",
    mend: "sysctl -w net.ipv6.conf.pods0.accept_ra=0",
    says: /pods0 takes router advertisements/,
  },
  {
    name: "the pod takes router advertisements",
    where: "red",
    harm: "sysctl -w net.ipv6.conf.eth0.accept_ra=2",
    mend: "sysctl -w net.ipv6.conf.eth0.accept_ra=0",
    says: /eth0 in the pod takes router advertisements/,
  },
  { name: "the pod's link is down", where: "red", harm: "ip link set eth0 down", says: /eth0/ },
  { name: "the pod's link is gone", where: "red", harm: "ip link del eth0", says: /eth0/ },
  { name: "the bridge is gone", where: "host", harm: "ip link del pods0", says: /pods0/ },
];

const IPV6: Fault[] = [
  {
    name: "the IPv6 address is removed",
    where: "red",
    harm: "ip address del fd01::2/64 dev eth0",
    says: /fd01::2/,
  },
  {
    name: "the IPv6 default route is removed",
    where: "red",
    harm: "ip -6 route del default",
    mend: "ip -6 route add default via fd01::1",
    says: /::\/0|default/,
  },
  {
    name: "the IPv6 subnet's route is removed in the pod",
    where: "red",
    harm: "ip -6 route del fd01::/64 dev eth0",
    mend: "ip -6 route add fd01::/64 dev eth0",
    says: /no route to fd01::\/64/,
  },
  {
    name: "the bridge was down for a moment and lost its IPv6 address",
    where: "host",
    harm: "sh -c 'ip link set pods0 down; ip link set pods0 up'",
    mend: "ip address add fd01::1/64 dev pods0",
    says: /fd01::1/,
  },
  {
    name: "IPv6 forwarding is switched off",
    where: "host",
    harm: "sysctl -w net.ipv6.conf.all.forwarding=0",
    mend: "sysctl -w net.ipv6.conf.all.forwarding=1",
    says: /forward/,
  },
  {
    name: "the pod's IPv6 element is flushed",
    where: "host",
    harm: "nft flush map inet pontoon net6",
    says: /fd01::2|masquerad/i,
  },
];

faults("IPv4", "10.1.0.0/24", IPV4);
faults("IPv6", "fd01::/64", IPV6);

function faults(family: string, subnet: string, list: Fault[]): void {
  for (const { name, where, harm, mend, says } of list) {
    scene(`${family}: CHECK notices when ${name}`, async (world) => {
      const red = await world.pod("red");
      const pods = install(world, network("pods", { subnets: [subnet] }));
      await add(world, pods, red);
      const link = await hostLinkOf(world, red);
      const place = where === "host" ? world.host : red;
      await place.must(["sh", "-c", harm.replace("VETH", link)]);
      expect(await check(world, pods, red)).toMatch(says);
      if (mend === undefined) return;
      await place.must(["sh", "-c", mend.replace("VETH", link)]);
      expect(await check(world, pods, red)).toBeUndefined();
    });
  }
}

/** Rules of the pod's networks altered with their number kept: CHECK reads them. */
const ALTERED: [name: string, harm: string, says: RegExp][] = [
  [
    "the rule of masquerading accepts instead",
    "nft replace rule inet pontoon CHAIN handle HANDLE accept",
    /chain net-/,
  ],
  [
    "a rule of chain postrouting is another one",
    "nft replace rule inet pontoon postrouting handle HANDLE accept",
    /table inet pontoon,/,
  ],
  [
    "two rules of chain postrouting changed places",
    "sh -c 'nft delete rule inet pontoon postrouting handle HANDLE; nft add rule inet pontoon postrouting iifname . ip saddr vmap @on4'",
    /table inet pontoon,/,
  ],
  ["the table is dormant", "nft 'add table inet pontoon { flags dormant; }'", /table inet pontoon,/],
  [
    "the table for MACs is dormant",
    "nft 'add table bridge pontoon { flags dormant; }'",
    /table bridge pontoon/,
  ],
  [
    "a chain drops by default",
    "nft 'chain bridge pontoon prerouting { policy drop; }'",
    /table bridge pontoon/,
  ],
  [
    "the MAC check accepts",
    "nft replace rule bridge pontoon prerouting handle HANDLE accept",
    /table bridge pontoon/,
  ],
  [
    "a second MAC is allowed",
    'nft add element bridge pontoon source { "VETH" . 02:00:00:00:00:99 }',
    /other source MACs/,
  ],
  [
    "the host ports' guard accepts",
    "nft replace rule inet pontoon-ports guard handle HANDLE accept",
    /table inet pontoon-ports/,
  ],
  [
    "the policy's chain has another rule",
    "nft replace rule inet pontoon-ingress forward handle HANDLE accept",
    /pontoon-ingress/,
  ],
  [
    "the policy's table is dormant",
    "nft 'add table inet pontoon-ingress { flags dormant; }'",
    /pontoon-ingress/,
  ],
];

for (const [name, harm, says] of ALTERED) {
  scene(
    `CHECK notices when ${name}, and restore or the next ADD is not needed for it to be calm before`,
    async (world) => {
      const pods = install(
        world,
        network("pods", {
          macspoofchk: true,
          ingressPolicy: "isolated",
          capabilities: { portMappings: true },
        }),
      );
      const red = await world.pod("red");
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const env = { CAP_ARGS: JSON.stringify({ portMappings }) };
      await add(world, pods, red, env);
      expect(await check(world, pods, red)).toBeUndefined();
      await world.host.must(["sh", "-c", await filled(world, harm, await hostLinkOf(world, red))]);
      expect(await check(world, pods, red)).toMatch(says);
    },
  );
}

/** The command with the name of the pod's link, of the network's chain, and of the first rule there. */
async function filled(world: World, harm: string, link: string): Promise<string> {
  const text = harm.replace("VETH", link);
  const [, family = "", table = "", given = ""] = /rule (\S+) (\S+) (\S+) handle/.exec(text) ?? [];
  if (family === "") return text;
  const all = await world.host.must(`nft -a list table ${family} ${table}`);
  const chain = given === "CHAIN" ? (/chain (net-\S+)/.exec(all)?.[1] ?? "") : given;
  const body = all.slice(all.indexOf(`chain ${chain} {`));
  const [, handle = ""] = /^\t\t(?!type)\S.*# handle (\d+)$/m.exec(body) ?? [];
  return text.replace("CHAIN", chain).replace("HANDLE", handle);
}

scene("CHECK is calm about rules that `nft` saved and loaded again: they are the same", async (world) => {
  const pods = install(
    world,
    network("pods", {
      subnets: ["10.1.0.0/24", "fd01::/64"],
      macspoofchk: true,
      ingressPolicy: "same-bridge",
      capabilities: { portMappings: true },
      conditionsV4: ["-s", "192.0.2.0/24"],
    }),
  );
  const red = await world.pod("red");
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
  await add(world, pods, red, { CAP_ARGS: JSON.stringify({ portMappings }) });
  await world.host.must([
    "sh",
    "-c",
    "nft list ruleset > /run/saved && nft flush ruleset && nft -f /run/saved",
  ]);
  expect(await check(world, pods, red)).toBeUndefined();
});

/** A pod with a host port and everything that a call names, and the call of its CHECK. */
async function withPort(world: World) {
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
  const call = { network: network("pods"), pod: await world.pod("red") };
  const runtimeConfig = { portMappings };
  const prevResult = await addDirectly(world, { ...call, more: { runtimeConfig } });
  return { call, checking: { ...call, more: { runtimeConfig, prevResult } } };
}

scene("CHECK notices when localhost cannot use host ports any more", async (world) => {
  const { checking } = await withPort(world);
  mustSucceed(await plugin(world, "CHECK", checking));
  await world.host.must("sysctl -w net.ipv4.conf.pods0.route_localnet=0");
  expect(mustFail(await plugin(world, "CHECK", checking)).msg).toContain("do not answer at 127.0.0.1");
  await world.host.must("sysctl -w net.ipv4.conf.all.route_localnet=1");
  mustSucceed(await plugin(world, "CHECK", checking));
});

for (const [what, harm] of [
  ["gone", "rm /var/lib/cni/pontoon/pods/*.json"],
  [
    "torn",
    "for file in /var/lib/cni/pontoon/pods/*.json; do head -c 50 $file > /run/torn; cp /run/torn $file; done",
  ],
] as const) {
  scene(
    `CHECK notices a record that is ${what}, and looks at the host ports that the call names all the same`,
    async (world) => {
      const { checking } = await withPort(world);
      await world.host.must(["sh", "-c", harm]);
      const error = mustFail(await plugin(world, "CHECK", checking));
      expect(error).toMatchObject({ code: 150, msg: expect.stringContaining("is missing or damaged") });
      expect(error.details).not.toContain("host ports");
      await world.host.must("nft flush map inet pontoon-ports any4");
      expect(mustFail(await plugin(world, "CHECK", checking)).details).toContain(
        "host ports do not lead to the pod",
      );
    },
  );
}

scene(
  "CHECK is calm where an administrator lets the pod listen to routers, by a sysctl of the network or by a read-only /proc/sys",
  async (world) => {
    const sysctl = { "net.ipv6.conf.IFNAME.accept_ra": "2" };
    const call = { network: network("pods", { sysctl }), pod: await world.pod("red") };
    const prevResult = await addDirectly(world, call);
    mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
    const through = [
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"',
      "sh",
    ];
    await world.host.must("sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.pods0.forwarding=1");
    const blue = { network: network("pods"), pod: await world.pod("blue"), through };
    const result = await addDirectly(world, blue);
    expect(await world.pods[1]!.must("cat /proc/sys/net/ipv6/conf/eth0/accept_ra")).toBe("1\n");
    mustSucceed(await plugin(world, "CHECK", { ...blue, more: { prevResult: result } }));
  },
);

scene(
  "CHECK is calm about a bridge of the administrator's that listens to the node's router",
  async (world) => {
    await world.host.must("ip link add pods0 address 0a:00:00:00:00:07 up type bridge");
    await world.host.must("ip address add 10.1.0.1/24 dev pods0");
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    expect(await world.host.must("cat /proc/sys/net/ipv6/conf/pods0/accept_ra")).toBe("1\n");
    expect(await check(world, pods, red)).toBeUndefined();
  },
);
