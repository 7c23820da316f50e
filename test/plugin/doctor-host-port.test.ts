// Rules of others that lead a host port elsewhere: `pontoon doctor` and `--trace` name the rule that comes
// first, and leave one alone that the packet does not meet.
import { expect } from "vitest";
import { add } from "../support/cni.ts";
import { doctor, runDoctor } from "../support/doctor.ts";
import { portArgs, portNetwork } from "../support/host-port.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import type { World } from "../support/world.ts";

const NODE = "192.168.50.1";

async function onHost(world: World, command: string): Promise<void> {
  await world.host.must([
    "sh",
    "-c",
    command.replaceAll(/\biptables-(nft|legacy)\b/g, (tool) => toolPath(tool)),
  ]);
}

const DOCKER = (program: string): string =>
  `${program} -t nat -N DOCKER; ${program} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; ${program} -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80`;
const NFT = (priority: number, rule: string): string =>
  `nft 'table ip mine { chain first { type nat hook prerouting priority ${priority}; ${rule}; }; }'`;

const RULES: [name: string, command: string, says: RegExp | undefined, severity: "error" | "note"][] = [
  [
    "iptables-nft as Docker has it, later than the pod",
    DOCKER("iptables-nft"),
    /^chain PREROUTING of table ip nat \(its chain DOCKER\) leads connections to host port 8080\/tcp elsewhere: .*8080 -j DNAT$/,
    "error",
  ],
  [
    "iptables-legacy as Docker has it, whose age nobody knows",
    DOCKER("iptables-legacy"),
    /^chain PREROUTING of table nat of iptables-legacy \(its chain DOCKER\) may lead connections to host port 8080\/tcp elsewhere: .*8080 -j DNAT$/,
    "note",
  ],
  [
    "nftables before the rules of host ports",
    NFT(-150, "fib daddr type local tcp dport 8080 redirect to :9999"),
    /^chain first of table ip mine leads connections to host port 8080\/tcp elsewhere: fib daddr type local .*8080 \(redir\)$/,
    "error",
  ],
  [
    "nftables for other ports, other addresses and other types",
    NFT(
      -150,
      "fib daddr type local tcp dport 8085 redirect to :9999; ip daddr 10.96.0.1 tcp dport 8080 dnat to 10.9.9.9; fib daddr type multicast tcp dport 8080 redirect to :9999; udp dport 8080 redirect to :9999",
    ),
    undefined,
    "note",
  ],
  [
    "nftables behind the rules of host ports",
    NFT(-90, "tcp dport 8080 redirect to :9999"),
    undefined,
    "note",
  ],
];

for (const [name, command, says, severity] of RULES)
  scene(
    `a host port and a rule of ${name}: the doctor and a trace say what a packet meets`,
    async (world) => {
      const { place } = await addNeighbour(world);
      await world.host.must("ip route add default via 192.168.50.2");
      const red = await world.pod("red");
      await add(
        world,
        portNetwork(world, "pods"),
        red,
        portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]),
      );
      await using server = await serve(red, "tcp", "0.0.0.0", 80);
      void server;
      expect(await connect(place, NODE, 8080)).toBeDefined();
      await onHost(world, command);
      expect((await connect(place, NODE, 8080)) === undefined).toBe(says !== undefined);
      const { findings } = await doctor(world);
      expect(findings.map((each) => ({ says: each.sentence, severity: each.severity }))).toEqual(
        says === undefined ? [] : [{ says: expect.stringMatching(says), severity }],
      );
      const { status, stdout } = await runDoctor(world, "--json", "--trace", "outside", ":8080");
      const { hops } = JSON.parse(stdout) as {
        hops: { sentence: string; undecided?: true; passes: boolean }[];
      };
      const told = hops.find(({ passes, undecided }) => !passes || undecided === true);
      expect(told?.sentence).toEqual(says === undefined ? undefined : expect.stringMatching(says));
      expect(status).toBe(says !== undefined && severity === "error" ? 1 : 0);
    },
  );

scene(
  "a rule for a host port that is older than the pod's is a note, since the pod's comes first",
  async (world) => {
    const { place } = await addNeighbour(world);
    await world.host.must("ip route add default via 192.168.50.2");
    await onHost(world, DOCKER("iptables-nft"));
    const red = await world.pod("red");
    await add(
      world,
      portNetwork(world, "pods"),
      red,
      portArgs([{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]),
    );
    await using server = await serve(red, "tcp", "0.0.0.0", 80);
    void server;
    expect(await connect(place, NODE, 8080)).toBeDefined();
    expect((await doctor(world)).findings).toMatchObject([{ code: "hostPortShadowed", severity: "note" }]);
  },
);
