// Calls of a runtime, and commands of a person, that have lost a capability: the kernel refuses, each says
// so, and none waits for an answer that does not come.
import { expect } from "vitest";
import { add, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER } from "../support/world.ts";

const WISHES: NetworkWishes = {
  subnets: ["10.1.0.0/24", "fd01::/64"],
  ipspoofchk: true,
  ingressPolicy: "same-bridge",
};

for (const { way, networkOf } of WAYS)
  scene(
    `by ${way}: without CAP_NET_ADMIN a DEL tells of the refusal alone, and the next one makes all good`,
    async (world) => {
      const pods = install(world, networkOf("pods", WISHES));
      const red = await world.pod("red");
      const before = await snapshot(world);
      await add(world, pods, red);
      const through = [toolPath("setpriv"), "--bounding-set=-net_admin"];
      const { code, details } = mustFail(await plugin(world, "DEL", { network: pods, pod: red, through }));
      expect(code).toBe(160);
      expect(details).toContain("Cause: EPERM. Hint: Run the runtime as root with CAP_NET_ADMIN");
      expect(details).not.toContain("ETIMEDOUT");
      mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      expect((await snapshot(world)).attachments.minus(before.attachments).lines).toEqual([]);
    },
  );

const LIST = `${CONFIG_FOLDER}/pods.conflist`;

/** The exit status of a command that looks, where it cannot. */
const STATUS_OF: { readonly [command: string]: number } = { doctor: 2, status: 2 };

scene("without CAP_NET_ADMIN a command says that alone, and changes nothing", async (world) => {
  const pods = install(world, network("pods"));
  await add(world, pods, await world.pod("red"));
  const before = await snapshot(world);
  for (const words of [
    ...["ls", "status", "doctor", "doctor --trace red outside", "draw", "metrics", "report /run/report.tar"],
    ...["restore", "clean", "rm red", "node show", "node remove", `try ${LIST}`],
    ...["add", "check", "del"].map((verb) => `cni ${verb} ${LIST} -n red`),
    `cni status ${LIST}`,
  ]) {
    const [name = ""] = words.split(" ");
    const { status, stdout, stderr } = await world.host.exec([
      ...[toolPath("setpriv"), "--bounding-set=-net_admin", `${PLUGIN_FOLDER}/pontoon`],
      ...words.split(" "),
    ]);
    expect({ words, status, stdout, stderr }).toEqual({
      words,
      status: STATUS_OF[name] ?? 1,
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(`^pontoon ${name}: CAP_NET_ADMIN is missing, .*Hint: Run it on the node itself, .*\\n$`),
      ),
    });
  }
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene(
  "without CAP_SYS_ADMIN the doctor says that it cannot look into pods, and blames none",
  async (world) => {
    const pods = install(world, network("pods"));
    for (const name of ["red", "blue"]) await add(world, pods, await world.pod(name));
    const through = [toolPath("setpriv"), "--bounding-set=-sys_admin", `${PLUGIN_FOLDER}/pontoon`];
    const seen = await world.host.exec([...through, "doctor", "--json"]);
    expect(seen.status).toBe(2);
    const reason = expect.stringMatching(/^2 of 2 pods cannot be looked into$/) as string;
    expect(JSON.parse(seen.stdout)).toMatchObject({
      findings: [],
      blind: [{ examination: "attachments", reason }],
    });
    const traced = await world.host.exec([...through, "doctor", "--trace", "red", "outside"]);
    expect(traced).toMatchObject({ status: 2, stderr: expect.stringContaining("CAP_SYS_ADMIN") as string });
    const tried = await world.host.exec([...through, "try", LIST]);
    expect(tried).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^pontoon try: CAP_SYS_ADMIN is missing, /) as string,
    });
  },
);
