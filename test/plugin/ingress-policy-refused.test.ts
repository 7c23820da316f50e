// An ingress policy that cannot be made: the ADD says why and leaves nothing, and whatever died half-way goes
// with the next DEL.
import { expect } from "vitest";
import { add, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { filterLines } from "../support/ingress.ts";
import { addPlugins, addScript, foreignNetwork } from "../support/ipam.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { SYSTEM_PATH, toolPath } from "../support/tool.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const POLICY: Network = network("pods", { ingressPolicy: "isolated", subnets: ["10.1.0.0/24", "fd01::/64"] });

/** What firewalld has in nftables, as far as we look at it. */
const firewalld = (dispatch: string) =>
  `table inet firewalld { chain filter_INPUT { type filter hook input priority 10; }; chain ${dispatch} { iifname "internal*" accept; iifname "pods" accept; oifname "pods0" accept; }; }`;

/** All rules that a policy may be made of. */
async function rulesOf(world: World): Promise<string[]> {
  return [...(await filterLines(world)), await world.host.must("nft list tables")];
}

async function dropByLegacy(world: World): Promise<void> {
  for (const program of ["iptables", "ip6tables"])
    await world.host.must(`${toolPath(`${program}-legacy`)} -P FORWARD DROP`);
}

/** An environment in which these programs are scripts. */
function scripted(world: World, scripts: Record<string, string>): { PATH: string } {
  for (const [name, script] of Object.entries(scripts)) addScript(world, name, `#!/bin/sh\n${script}\n`);
  return { PATH: `${PLUGIN_FOLDER}:${SYSTEM_PATH}` };
}

async function isGone(pod: Pod): Promise<boolean> {
  return (await pod.exec("ip link show eth0")).status !== 0;
}

scene(
  "legacy iptables that drop, and no program to change them, but the one of the other variant: the ADD is refused with what to install, and leaves nothing",
  async (world) => {
    await dropByLegacy(world);
    const red = await world.pod("red");
    const before = await rulesOf(world);
    const legacy = (await world.host.must(`readlink -f ${toolPath("iptables-legacy-restore")}`)).trim();
    await world.host.must(`mount --bind /dev/null ${legacy}`);
    const error = mustFail(await plugin(world, "ADD", { network: POLICY, pod: red }));
    expect(error).toMatchObject({
      code: 130,
      msg: "packet rules cannot be set: iptables-restore of the legacy variant is not there",
    });
    expect(error.details).toContain(
      "Hint: Install the package iptables, or set the policy of the chain FORWARD to ACCEPT",
    );
    await world.host.must(`umount ${legacy}`);
    expect(await rulesOf(world)).toEqual(before);
    expect(await isGone(red)).toBe(true);
  },
);

scene(
  "what iptables-restore says when it fails stands in the error, and nothing is left, of the other family either",
  async (world) => {
    await dropByLegacy(world);
    const red = await world.pod("red");
    const before = await rulesOf(world);
    const env = scripted(world, {
      "ip6tables-legacy-restore": "echo 'ip6tables-restore: line 3 failed: too much of it' >&2; exit 4",
    });
    const error = mustFail(await plugin(world, "ADD", { network: POLICY, pod: red, env }));
    expect(error).toMatchObject({
      code: 130,
      msg: "packet rules cannot be set: the table filter of iptables",
    });
    expect(error.details).toMatch(
      /Cause: ip6tables-restore: line 3 failed: too much of it\. Hint: Run this command by hand .*, or take ingressPolicy out of the configuration/,
    );
    expect(await rulesOf(world)).toEqual(before);
    expect(await isGone(red)).toBe(true);
  },
);

scene(
  "an ADD that dies when the legacy rules are made is made good by the next DEL, and by a GC",
  async (world) => {
    await dropByLegacy(world);
    const red = await world.pod("red");
    const before = await rulesOf(world);
    const env = scripted(world, {
      "iptables-legacy-restore": `${toolPath("iptables-legacy-restore")} "$@"; kill -KILL $PPID`,
    });
    for (const takeAway of [
      () => plugin(world, "DEL", { network: POLICY, pod: red }),
      () => collect(world, POLICY, []),
    ]) {
      expect((await plugin(world, "ADD", { network: POLICY, pod: red, env })).status).not.toBe(0);
      expect(await rulesOf(world)).not.toEqual(before);
      mustSucceed(await takeAway());
      expect(await rulesOf(world)).toEqual(before);
      expect(await isGone(red)).toBe(true);
    }
  },
);

scene("what firewalld says when it refuses stands in the error, and nothing is left", async (world) => {
  await world.host.must("nft -f -", { stdin: firewalld("filter_INPUT_ZONES") });
  const red = await world.pod("red");
  const before = await rulesOf(world);
  const refusing = scripted(world, {
    "firewall-cmd": "echo 'Error: ZONE_CONFLICT: it is bound to another zone' >&2; exit 16",
  });
  const error = mustFail(await plugin(world, "ADD", { network: POLICY, pod: red, env: refusing }));
  expect(error).toMatchObject({
    code: 130,
    msg: "packet rules cannot be set: firewalld did not take pods0 into its zone trusted",
  });
  expect(error.details).toMatch(
    /^Ran firewall-cmd --zone=trusted --add-interface=pods0\. Cause: Error: ZONE_CONFLICT: it is bound to another zone\. Hint: Run this command by hand/,
  );
  expect(await rulesOf(world)).toEqual(before);
  expect(await isGone(red)).toBe(true);
});

// As firewalld names it to version 1.3, to 2.4, and from 2.5 on.
for (const dispatch of ["filter_INPUT_ZONES", "filter_INPUT_POLICIES", "filter_INPUT_dispatch"])
  scene(
    `firewalld with ${dispatch} is asked once for a network: not for the second pod, nor for an interface that a pattern of its covers`,
    async (world) => {
      await world.host.must("nft -f -", { stdin: firewalld(dispatch) });
      const env = scripted(world, {
        "firewall-cmd": `echo "$@" >> /run/world/asked
case $2 in
--add-interface=*) nft add rule inet firewalld ${dispatch} iifname \\"\${2#*=}\\" accept;;
*) nft flush chain inet firewalld ${dispatch};;
esac`,
      });
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      const call = (verb: "ADD" | "DEL", pod: Pod, conflist = POLICY) =>
        plugin(world, verb, { network: conflist, pod, env });
      for (const pod of [red, blue]) mustSucceed(await call("ADD", pod));
      for (const pod of [red, blue]) mustSucceed(await call("DEL", pod));
      expect(world.read("/run/world/asked")).toBe(
        "--zone=trusted --add-interface=pods0\n--zone=trusted --remove-interface=pods0\n",
      );
      await world.host.must("nft -f -", { stdin: firewalld(dispatch) });
      const covered = network("internal", { ingressPolicy: "open", subnets: ["10.2.0.0/24"] });
      for (const verb of ["ADD", "DEL"] as const) mustSucceed(await call(verb, red, covered));
      expect(world.read("/run/world/asked").trim().split("\n")).toHaveLength(2);
    },
  );

scene(
  "with the addresses of another IPAM plugin the policy is made and goes in the same way",
  async (world) => {
    for (const program of ["iptables-nft", "ip6tables-nft"])
      await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
    addPlugins(world, "static");
    const red = await world.pod("red");
    const before = await rulesOf(world);
    const pods = install(
      world,
      foreignNetwork(
        "pods",
        { type: "static", addresses: [{ address: "10.1.0.5/24", gateway: "10.1.0.1" }] },
        { ingressPolicy: "same-bridge", ipMasq: false },
      ),
    );
    await add(world, pods, red);
    expect((await filterLines(world)).filter((line) => line.includes("PONTOON"))).toHaveLength(6);
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    expect(await rulesOf(world)).toEqual(before);
  },
);
