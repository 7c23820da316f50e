// Mistakes in a configuration that would be silence: a key that nobody reads, an `ipam` that nobody asks, a
// version that is none.
import { expect } from "vitest";
import { mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { PLUGIN_FOLDER } from "../support/world.ts";

scene(
  "an ADD tells each key that looks like a known one in a line of its own, and nothing else",
  async (world) => {
    const said = async (name: string, wishes: Record<string, unknown>): Promise<string> => {
      const call = { network: network("pods", wishes), pod: await world.pod(name) };
      return mustSucceed(await plugin(world, "ADD", call)).stderr;
    };
    expect(await said("red", { ipMask: true, isGatway: true, addIf: "true", "my.company/note": 5 })).toBe(
      'pontoon: key "ipMask" is not read; did you mean "ipMasq"?\n' +
        'pontoon: key "isGatway" is not read; did you mean "isGateway"?\n',
    );
    expect(await said("blue", { capabilities: { portMapping: true, "io.kubernetes.cri.pod": true } })).toBe(
      'pontoon: key "portMapping" in "capabilities" is not read; did you mean "portMappings"?\n',
    );
    expect(
      await said("green", { capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true } }),
    ).toBe("");
  },
);

scene("an ADD that is refused for what a misspelt key should have said names the key", async (world) => {
  const ipam = { type: "host-local", subnets: "10.1.0.0/24" };
  const call = { network: network("pods", { ipam }), pod: await world.pod("red") };
  const error = mustFail(await plugin(world, "ADD", call));
  expect(error.msg).toContain("no IP ranges specified");
  expect(error.details).toContain('key "subnets" in "ipam" is not read; did you mean "subnet"?');
});

scene(
  "an ipam with ranges and no type is refused by ADD, and its DEL takes away what an earlier ADD made",
  async (world) => {
    const pods = network("pods");
    const call = { network: pods, pod: await world.pod("red") };
    const before = await snapshot(world);
    mustSucceed(await plugin(world, "ADD", call));
    delete pods.plugins[0].ipam!.type;
    const other = { network: pods, pod: await world.pod("blue") };
    const error = mustFail(await plugin(world, "ADD", other));
    expect(error).toMatchObject({ code: 7, msg: expect.stringContaining("ipam.type: ") });
    expect(error.details).toContain("Hint: ");
    for (const each of [call, other]) mustSucceed(await plugin(world, "DEL", each));
    expect((await snapshot(world)).minus(before).within(({ leases }) => leases).lines).toEqual([]);
  },
);

scene("an empty ipam is still a network of layer 2, without a word", async (world) => {
  const pods = network("pods", { ipam: {}, isGateway: false, ipMasq: false });
  const outcome = mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
  expect(outcome.stderr).toBe("");
});

for (const [wrong, meant] of [
  ["1.2", "1.1.0"],
  ["1.0", "1.0.0"],
  [1.1, "1.1.0"],
  [1, "1.0.0"],
] as const) {
  scene(
    `cniVersion ${JSON.stringify(wrong)}: the ADD's error knows what was meant, and a DEL takes away what was made before`,
    async (world) => {
      const call = { network: network("pods"), pod: await world.pod("red") };
      mustSucceed(await plugin(world, "ADD", call));
      const more = { cniVersion: wrong };
      const blue = await world.pod("blue");
      const error = mustFail(await plugin(world, "ADD", { ...call, pod: blue, more }));
      expect(error.details).toContain(`"${meant}"`);
      mustSucceed(await plugin(world, "DEL", { ...call, more }));
      const { attachments, leases } = await snapshot(world);
      expect([...attachments.lines, ...leases.lines]).toEqual([]);
    },
  );
}

scene(
  "cniVersion 1.0 and an IPAM plugin: it is asked by the version that was meant, and gives back",
  async (world) => {
    const script = `#!/bin/sh\ncat > /run/world/asked-$CNI_COMMAND\n[ $CNI_COMMAND = ADD ] && echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.7/24"}]}'\nexit 0\n`;
    world.write(`${PLUGIN_FOLDER}/fake-ipam`, script);
    await world.host.must(`chmod +x ${PLUGIN_FOLDER}/fake-ipam`);
    const ipam = { type: "fake-ipam" };
    const call = { network: network("pods", { cniVersion: "1.0.0", ipam }), pod: await world.pod("red") };
    mustSucceed(await plugin(world, "ADD", call));
    mustSucceed(await plugin(world, "DEL", { ...call, more: { cniVersion: "1.0" } }));
    const asked = JSON.parse(world.read("/run/world/asked-DEL")) as Record<string, unknown>;
    expect(asked).toMatchObject({ cniVersion: "1.0.0", name: "pods", ipam });
  },
);
