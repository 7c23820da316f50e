// Packet rules that something flushed under running pods: CHECK says so, the next ADD brings them back for
// everybody, and so does `pontoon restore`, for which nobody has to start a pod.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ifbsOf } from "../support/bandwidth.ts";
import { add, addressesOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { holdAtOrEnd, holdCommandAtOrEnd, locksOf } from "../support/held.ts";
import { portArgs } from "../support/host-port.ts";
import { hostLinkOf } from "../support/link.ts";
import { addNeighbour, type Neighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { atEveryMoment } from "../support/strace.ts";
import { REPOSITORY } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const PAGE = join(REPOSITORY, "docs/restore.md");
const RECORDS = "/var/lib/cni/pontoon";

const HARMS = [
  "nft flush ruleset",
  "nft flush table inet pontoon",
  "nft delete table inet pontoon",
  "nft flush chain inet pontoon postrouting",
];

scene(
  "after a flush of the ruleset CHECK complains, and one ADD on one network brings back the rules of all networks",
  async (world) => {
    const stage = await twoNetworks(world);
    await world.host.must("nft flush ruleset");
    for (const { conflist, pod } of stage.attached)
      expect(await check(world, conflist, pod)).toMatch(/inet pontoon|bridge pontoon/);
    await add(world, stage.networks[0]!, await world.pod("green"));
    await everythingWorks(world, stage);
  },
);

for (const harm of HARMS) {
  scene(
    `"${harm}" under running pods: pontoon restore brings back the rules of all networks, and says how many`,
    async (world) => {
      const stage = await twoNetworks(world);
      const before = await snapshot(world);
      await world.host.must(harm);
      expect(await reaches(stage.attached[0]!.pod, stage.neighbour)).toEqual([undefined, undefined]);
      const { stdout } = mustSucceed(await restore(world));
      expect(stdout).toMatch(
        /^all networks: \d+ rules? put back\nothers: 1 attachment, .*\npods: 2 attachments, .*\n$/,
      );
      const difference = (await snapshot(world)).minus(before);
      expect(difference.exceptAdded(({ marks }) => marks).lines).toEqual([]);
      await everythingWorks(world, stage);
      expect(mustSucceed(await restore(world)).stdout).toBe(
        "others: 1 attachment, nothing to do\npods: 2 attachments, nothing to do\n",
      );
    },
  );
}

scene("single rules that were lost come back too", async (world) => {
  const stage = await twoNetworks(world);
  for (const [harm, said] of [
    [
      "nft flush map inet pontoon net4",
      "others: 1 attachment, nothing to do\npods: 2 attachments, 2 rules put back\n",
    ],
    [
      "nft flush map inet pontoon net6",
      "others: 1 attachment, 1 rule put back\npods: 2 attachments, 2 rules put back\n",
    ],
    [
      "nft flush set bridge pontoon source",
      "others: 1 attachment, nothing to do\npods: 2 attachments, 2 rules put back\n",
    ],
    [
      `nft flush chain inet pontoon ${await chainOf(world, "pods")}`,
      "others: 1 attachment, nothing to do\npods: 2 attachments, 5 rules put back\n",
    ],
  ] as const) {
    await world.host.must(harm);
    expect(mustSucceed(await restore(world)).stdout, harm).toBe(said);
    await everythingWorks(world, stage);
  }
});

scene(
  "a DEL at any moment of pontoon restore: nothing of it is left",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true, egressRate: 20_000_000 }));
    const call = { network: pods, pod: await world.pod("red") };
    await add(world, pods, await world.pod("blue"));
    const [ofBlue] = await ifbsOf(world.host);
    await world.host.must("nft flush ruleset");
    mustSucceed(await restore(world));
    const onlyBlue = await attachments(world);
    const moments = await atEveryMoment(
      async (moment) => {
        mustSucceed(await plugin(world, "ADD", call));
        await world.host.must("nft flush ruleset");
        for (const ifb of await ifbsOf(world.host))
          if (ifb !== ofBlue) await world.host.must(`ip link delete ${ifb}`);
        await using restoring = await holdCommandAtOrEnd(world, RESTORE, moment);
        const { isOver } = restoring;
        mustSucceed(await plugin(world, "DEL", call));
        mustSucceed(await (isOver ? restoring.outcome : restoring.goOn()));
        expect((await attachments(world)).lines, `DEL before ${moment.kind} ${moment.count}`).toEqual(
          onlyBlue.lines,
        );
        return !isOver;
      },
      ["sendto"],
    );
    expect(moments).toBeGreaterThan(10);
  },
  120_000,
);

scene("who died is not brought back, and what a later DEL takes away stays away", async (world) => {
  const {
    networks: [pods],
    attached: [red, blue],
  } = await twoNetworks(world);
  await world.host.must("nft flush ruleset");
  await world.removePod(red!.pod);
  await waitForLinks(world, 2);
  expect(mustSucceed(await restore(world)).stdout).toMatch(
    /^all networks: .*\nothers: 1 attachment, .*\npods: 1 attachment, /,
  );
  await del(world, pods!, blue!.pod);
  const after = await snapshot(world);
  const rules = after.inTable("inet pontoon").elements.named("net4");
  expect(rules.plus(after.marks.below(`${RECORDS}/pods`)).lines).toEqual([]);
  expect(mustSucceed(await restore(world)).stdout).toBe("others: 1 attachment, nothing to do\n");
});

for (const [what, edit] of [
  ["an earlier boot", 's/"bootId": "[^"]*"/"bootId": "00000000-0000-0000-0000-000000000000"/'],
  ["another host namespace", 's/"hostCookie": "[^"]*"/"hostCookie": "1"/'],
] as const) {
  scene(`the record of an attachment of ${what} brings nothing back`, async (world) => {
    const {
      attached: [red, blue],
    } = await twoNetworks(world);
    await world.host.must([
      "sh",
      "-c",
      `sed -i '${edit}' $(grep -l ${red!.pod.containerId} /var/lib/cni/pontoon/*/*.json)`,
    ]);
    await world.host.must("nft flush ruleset");
    mustSucceed(await restore(world));
    const { elements } = await snapshot(world);
    expect(elements.of(red!.pod).lines).toEqual([]);
    expect(elements.of(blue!.pod).isEmpty).toBe(false);
  });
}

scene(
  "DELs at the same moment: nothing of them is left",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    const all = [];
    for (let index = 0; index < 12; index++) all.push(await world.pod(`pod-${index}`));
    await Promise.all(all.map((pod) => add(world, pods, pod)));
    await world.host.must("nft flush ruleset");
    await Promise.all(all.flatMap((pod) => [del(world, pods, pod), restore(world).then(mustSucceed)]));
    const { attachments, networkChains } = await snapshot(world);
    expect(attachments.plus(networkChains).lines).toEqual([]);
  },
  60_000,
);

scene(
  "a DEL that has taken out its rules and not yet its link, while pontoon restore looks: nothing of it is left",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    const red = await world.pod("red");
    await add(world, pods, await world.pod("blue"));
    const before = await attachments(world);
    const call = { network: pods, pod: red };
    let met = 0;
    await atEveryMoment(
      async (moment) => {
        await add(world, pods, red);
        const link = await hostLinkOf(world, red);
        await using taking = await holdAtOrEnd(world, "DEL", call, moment);
        if (taking.isOver) {
          mustSucceed(await taking.outcome);
          return false;
        }
        const isHalfGone =
          (await attachments(world)).elements.count === before.elements.count &&
          (await world.host.exec(`ip link show ${link}`)).status === 0;
        const { outcome, wasBeside } = await taking.meanwhile(
          async () => mustSucceed(await restore(world)),
          locksOf("pods"),
        );
        mustSucceed(outcome);
        expect((await attachments(world)).lines, `sendto ${moment.count}`).toEqual(before.lines);
        if (isHalfGone && wasBeside) met += 1;
        return true;
      },
      ["sendto"],
    );
    expect(met).toBeGreaterThan(0);
  },
  60_000,
);

scene(
  "pontoon restore that finds a pod gone leaves word for its DEL of what an earlier one put back",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    const red = await world.pod("red");
    const marks = async (): Promise<string[]> => (await snapshotOfFiles(world)).marks.lines;
    let met = 0;
    await atEveryMoment(
      async (moment) => {
        await add(world, pods, red);
        await world.host.must("nft flush ruleset");
        mustSucceed(await restore(world));
        expect(await marks()).toHaveLength(1);
        // The pod goes at the moment when one kind of its rules is back, and the other was never lost.
        await world.host.must("nft flush map inet pontoon net4");
        await using restoring = await holdCommandAtOrEnd(world, RESTORE, moment);
        const stood = !restoring.isOver;
        const isBack = (await world.host.must("nft list map inet pontoon net4")).includes("10.1.0.");
        await red.must("ip link delete eth0");
        mustSucceed(await (stood ? restoring.goOn() : restoring.outcome));
        expect(await marks(), `request ${moment.count}`).toHaveLength(1);
        await del(world, pods, red);
        expect((await attachments(world)).lines, `request ${moment.count}`).toEqual([]);
        if (stood && isBack) met += 1;
        return stood;
      },
      ["sendto"],
    );
    expect(met).toBeGreaterThan(0);
  },
  60_000,
);

scene("without attachments there is nothing to do, and nothing is made", async (world) => {
  const before = await snapshot(world);
  expect(mustSucceed(await restore(world)).stdout).toBe(
    "nothing to do: no attachments are recorded on this host\n",
  );
  expect((await snapshot(world)).minus(before).lines).toEqual([
    "+ file /var/lib/cni/pontoon/.lock",
    "+ folder /var/lib/cni/pontoon",
  ]);
});

scene(
  "what it cannot do it says in plain words on stderr: no rights, an address that is taken",
  async (world) => {
    await twoNetworks(world);
    const asNobody = await world.host.exec(
      `setpriv --reuid 65534 --clear-groups ${PLUGIN_FOLDER}/pontoon restore`,
    );
    expect(asNobody).toMatchObject({
      status: 1,
      stdout: "",
      stderr:
        'pontoon restore: only root may change packet rules. Hint: Run it as root, as in "sudo pontoon restore".\n',
    });
    const unable = await world.host.exec(
      `setpriv --bounding-set=-net_admin ${PLUGIN_FOLDER}/pontoon restore`,
    );
    expect(unable).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^pontoon restore: CAP_NET_ADMIN is missing, /),
    });
    await world.host.must("nft flush map inet pontoon net4");
    await add(world, install(world, network("rogue", { bridge: "pods0" })), await world.pod("rogue"));
    const clash = await restore(world);
    expect(clash.stderr).toMatch(
      /^pontoon restore: packet rules cannot be set: address 10\.1\.0\.2.* is used twice/,
    );
    expect([clash.status, clash.stdout]).toEqual([
      1,
      expect.stringMatching(
        /^others: .*\npods: 2 attachments, 1 rule put back, 1 attachment failed\nrogue: 1 attachment, nothing to do\n$/,
      ),
    ]);
  },
);

const RESTORE = [`${PLUGIN_FOLDER}/pontoon`, "restore"];

interface Stage {
  neighbour: Neighbour;
  networks: Network[];
  attached: { conflist: Network; pod: Pod; addresses: string[] }[];
}

/** Two pods on a network of both families with a MAC spoof check, one on another of IPv6 alone. */
async function twoNetworks(world: World): Promise<Stage> {
  const neighbour = await addNeighbour(world);
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], macspoofchk: true }));
  const others = install(world, network("others", { subnets: ["fd02::/64"] }));
  const attached = [];
  for (const [name, conflist] of [
    ["red", pods],
    ["blue", pods],
    ["white", others],
  ] as const) {
    const pod = await world.pod(name);
    attached.push({ conflist, pod, addresses: addressesOf(await add(world, conflist, pod)) });
  }
  return { neighbour, networks: [pods, others], attached };
}

function restore(world: World): Promise<Outcome> {
  return world.host.exec(RESTORE);
}

/** CHECK is content, and the neighbour, which knows no way back to any pod, sees the host's own address. */
async function everythingWorks(world: World, { neighbour, attached }: Stage): Promise<void> {
  await using _v4 = await serve(neighbour.place, "tcp", neighbour.v4, 8080);
  await using _v6 = await serve(neighbour.place, "tcp", neighbour.v6, 8080);
  for (const { conflist, pod, addresses } of attached) {
    expect(await check(world, conflist, pod)).toBeUndefined();
    for (const address of addresses) {
      const [theirs, ours] = address.includes(":")
        ? [neighbour.v6, neighbour.host6]
        : [neighbour.v4, neighbour.host4];
      expect(await connect(pod, theirs, 8080), `${pod.name} to ${theirs}`).toBe(`neighbour saw ${ours}`);
    }
  }
}

async function reaches(pod: Pod, neighbour: Neighbour): Promise<(string | undefined)[]> {
  await using _v4 = await serve(neighbour.place, "tcp", neighbour.v4, 8081);
  await using _v6 = await serve(neighbour.place, "tcp", neighbour.v6, 8081);
  return [await connect(pod, neighbour.v4, 8081), await connect(pod, neighbour.v6, 8081)];
}

async function attachments(world: World): Promise<Snapshot> {
  return (await snapshot(world)).attachments;
}

async function chainOf(world: World, name: string): Promise<string> {
  const chains = (await snapshot(world)).networkChains.names;
  return chains.find((chain) => chain.startsWith(`net-${name}-`))!;
}

async function waitForLinks(world: World, count: number): Promise<void> {
  await waitFor(
    `${count} host ends are left`,
    async () => (await snapshot(world)).hostEnds.links.count <= count,
  );
}

scene(
  "the script of docs/restore.md brings back each table that anybody deletes, that of ingress policies too",
  async (world) => {
    const pods = install(
      world,
      network("pods", { ingressPolicy: "isolated", macspoofchk: true, capabilities: { portMappings: true } }),
    );
    const red = await world.pod("red");
    await add(world, pods, red, portArgs([{ hostPort: 8080, containerPort: 80 }]));
    const [, script = ""] = /## After anybody[^]*?```sh\n([^]*?)```/.exec(readFileSync(PAGE, "utf8")) ?? [];
    world.write("/run/world/after-anybody", script.replaceAll("/opt/cni/bin", PLUGIN_FOLDER));
    const hook = world.host.start(["timeout", "25", "sh", "/run/world/after-anybody"]);
    await waitFor("the script listens to nftables", async () => {
      const sockets = (await world.host.must("cat /proc/net/netlink"))
        .split("\n")
        .map((line) => line.split(/\s+/));
      return sockets.some(
        ([, protocol, , groups = ""]) => protocol === "12" && Number.parseInt(groups, 16) !== 0,
      );
    });
    const tables = (await world.host.must("nft list tables"))
      .split("\n")
      .filter((line) => line.includes("pontoon"));
    expect(tables).toHaveLength(4);
    try {
      for (const table of tables) {
        await world.host.must(`nft delete ${table}`);
        await waitFor(`${table} is back`, async () => (await check(world, pods, red)) === undefined);
      }
    } finally {
      // "timeout" hands the signal on to all that the script has started.
      await hook.stop("SIGTERM");
    }
  },
);
