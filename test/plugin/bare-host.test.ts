// A node needs a kernel, nothing else.
import { expect } from "vitest";
import { addDirectly, gatewayOf, mustFail, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { FAMILIES, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { failingAt, failingFrom, TRACE } from "../support/strace.ts";
import { pings } from "../support/traffic.ts";
import { PLUGIN_FOLDER, pluginBinary, type World } from "../support/world.ts";

const ROOT = "/run/world/root";

scene("with an empty PATH everything works", async (world) => {
  const red = await world.pod("red");
  await wholeLife(world, { network: network("pods"), pod: red, env: { PATH: "" } });
});

scene("with no environment but the CNI variables everything works", async (world) => {
  const red = await world.pod("red");
  const variables = ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];
  const kept = variables.map((name) => `${name}="$${name}"`).join(" ");
  await wholeLife(world, {
    network: network("pods"),
    pod: red,
    through: ["sh", "-c", `exec env -i ${kept} "$@"`, "sh"],
  });
});

scene("on a root file system without a library, a program or a device everything works", async (world) => {
  const red = await world.pod("red");
  await makeBareRoot(world);
  await wholeLife(world, {
    network: network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }),
    pod: red,
    through: ["chroot", ROOT],
  });
});

scene(
  "with /proc/sys read-only, as in some containers, ADD works where forwarding is on already",
  async (world) => {
    const red = await world.pod("red");
    await world.host.must("sysctl -q -w net.ipv4.ip_forward=1");
    await world.host.must("mount --bind /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_forward");
    await world.host.must("mount -o remount,bind,ro /proc/sys/net/ipv4/ip_forward");
    await wholeLife(world, { network: network("pods"), pod: red });
  },
);

for (const { family, subnets } of FAMILIES) {
  scene(
    `${family}: with all of /proc/sys read-only, ADD works where forwarding is on already`,
    async (world) => {
      const red = await world.pod("red");
      await world.host.must("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
      await world.host.must([
        "sh",
        "-e",
        "-c",
        "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys",
      ]);
      await wholeLife(world, { network: network("pods", { subnets }), pod: red });
    },
  );
}

scene("a kernel without nftables: GC and a DEL without record have nothing to do there", async (world) => {
  const red = await world.pod("red");
  const call = { network: network("pods"), pod: red };
  // No nfnetlink at all, and an nfnetlink that knows nobody for these messages, nor for the question whether
  // it does. A link is asked for first.
  for (const hurt of [
    failingAt({ kind: "socket", count: 2 }, "EPROTONOSUPPORT"),
    failingAt({ kind: "sendto", count: "2..3" }, "EINVAL"),
  ]) {
    for (const verb of ["GC", "DEL"] as const) {
      mustSucceed(await plugin(world, verb, { ...call, through: hurt }));
      expect(world.read(TRACE)).toContain("(INJECTED)");
    }
  }
});

scene(
  "an nftables that is there and refuses is an error of GC and of a DEL without record",
  async (world) => {
    const call = { network: network("pods"), pod: await world.pod("red") };
    const hurt = failingAt({ kind: "sendto", count: 2 }, "EINVAL");
    for (const verb of ["GC", "DEL"] as const)
      expect(mustFail(await plugin(world, verb, { ...call, through: hurt })), verb).toMatchObject({
        code: 160,
        details: expect.stringContaining("EINVAL") as string,
      });
  },
);

scene(
  "a kernel without nftables: ADD with ipMasq says which modules to load, and leaves nothing",
  async (world) => {
    const red = await world.pod("red");
    const call = { network: network("pods"), pod: red };
    // The host's socket and the pod's, then the one to nftables.
    const error = mustFail(
      await plugin(world, "ADD", {
        ...call,
        through: failingFrom({ kind: "socket", count: 3 }, "EPROTONOSUPPORT"),
      }),
    );
    expect(error).toMatchObject({
      code: 130,
      details: expect.stringMatching(/EPROTONOSUPPORT.*Hint: Load .*nf_tables/),
    });
    expect(error.details).not.toContain("Not undone");
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

scene(
  "a kernel without nftables: ADD with macspoofchk says what it needs, and leaves nothing; STATUS says so before",
  async (world) => {
    const red = await world.pod("red");
    const call = { network: network("pods", { ipMasq: false, macspoofchk: true }), pod: red };
    const withoutRules = failingFrom({ kind: "socket", count: 3 }, "EPROTONOSUPPORT");
    const error = mustFail(await plugin(world, "ADD", { ...call, through: withoutRules }));
    expect(error).toMatchObject({
      code: 130,
      details: expect.stringMatching(
        /EPROTONOSUPPORT.*Hint: Use a kernel with nf_tables and its bridge family/,
      ),
    });
    expect(error.details).not.toContain("Not undone");
    expect((await snapshot(world)).attachments.lines).toEqual([]);
    expect(
      mustFail(
        await plugin(world, "STATUS", {
          ...call,
          through: failingFrom({ kind: "socket", count: 2 }, "EPROTONOSUPPORT"),
        }),
      ),
    ).toMatchObject({ code: 50 });
  },
);

scene("a read-only state directory is a plain error that names the path", async (world) => {
  const red = await world.pod("red");
  await world.host.must("mount -o remount,ro /var/lib/cni");
  const error = mustFail(await plugin(world, "ADD", { network: network("pods"), pod: red }));
  expect(error.code).toBeGreaterThanOrEqual(100);
  expect(error.code).not.toBe(999);
  expect(`${error.msg} ${error.details}`).toMatch(/\/var\/lib\/cni.*EROFS/s);
});

scene(
  "a DEL on a read-only state directory takes the link away and says what stays, each thing once and in whole sentences",
  async (world) => {
    const red = await world.pod("red");
    const call = { network: network("pods"), pod: red };
    await addDirectly(world, call);
    await world.host.must("mount -o remount,ro /var/lib/cni");
    const error = mustFail(await plugin(world, "DEL", call));
    expect(error).toMatchObject({ code: 160, details: expect.stringMatching(/EROFS/) });
    expect(error.details).not.toMatch(/\.;|\.\.|I\/O failure/);
    expect((await snapshot(world)).hostEnds.lines).toEqual([]);
    await world.host.must("mount -o remount,rw /var/lib/cni");
    mustSucceed(await plugin(world, "DEL", call));
  },
);

/** ADD, traffic, CHECK, STATUS, GC and DEL. */
async function wholeLife(world: World, call: PluginCall): Promise<void> {
  const prevResult = await addDirectly(world, call);
  expect(await pings(call.pod!, gatewayOf(prevResult))).toBe(true);
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
  mustSucceed(await plugin(world, "STATUS", call));
  mustSucceed(await plugin(world, "DEL", call));
  mustSucceed(await plugin(world, "GC", call));
}

/** A root with the executable, what the kernel shows, and the folders that a runtime shares with it. */
async function makeBareRoot(world: World): Promise<void> {
  const folders = ["/proc", "/sys", "/run", "/var/lib/cni"];
  const commands = [
    ...folders.flatMap((folder) => [`mkdir -p ${ROOT}${folder}`, `mount --rbind ${folder} ${ROOT}${folder}`]),
    `mkdir -p ${ROOT}${PLUGIN_FOLDER}`,
    `rm ${PLUGIN_FOLDER}/pontoon && cp -L ${pluginBinary()} ${PLUGIN_FOLDER}/pontoon`,
  ];
  await world.host.must(["sh", "-e", "-c", commands.join("\n")]);
}
