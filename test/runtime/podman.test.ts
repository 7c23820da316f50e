// podman 4 with `network_backend = "cni"` starts containers, and Pontoon gives them their network. The
// container ids, namespaces and port mappings are podman's own. podman never sends GC or CHECK.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { addNeighbour } from "../support/neighbour.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { REPOSITORY } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";
import { type Podman, startPodman } from "./podman.ts";

const LIMIT_MS = 120_000;
const RECORDS = "/var/lib/cni/pontoon/pods";
const PONTOON = `${PLUGIN_FOLDER}/pontoon`;

scene(
  "podman's container has address, host port and name, a neighbour reaches it, and after podman rm nothing is left",
  async (world) => {
    const neighbour = await addNeighbour(world);
    await using podman = await startWithNetwork(world);
    await podman.run("first", ["--network=pods", "--publish=8088:80"]);
    await podman.podman("rm", "--force", "--time=0", "first");
    const before = await snapshot(world);

    const id = await podman.run("web", ["--network=pods", "--publish=8088:80"]);
    const [row] = await attachments(podman);
    expect(row).toMatchObject({ pod: "web", containerId: id, state: "ok" });
    expect(await podman.podman("exec", "web", "ip", "-4", "address", "show", "dev", "eth0")).toContain(
      ` ${row?.addresses[0]} `,
    );
    await podman.podman("exec", "--detach", "web", "sh", "-c", "echo web is here | nc -l -p 80");
    let heard = "";
    await waitFor("the neighbour reaches the container by the node's port", async () => {
      const ask = `nc -w 2 ${neighbour.host4} 8088 < /dev/null`;
      heard = (await neighbour.place.exec(["busybox", "sh", "-c", ask])).stdout.trim();
      return heard !== "";
    });
    expect(heard).toBe("web is here");
    expect(await podman.must([PONTOON, "ls", "8088"])).toContain("8088->80/tcp");

    await podman.podman("rm", "--force", "--time=0", "web");
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
  LIMIT_MS,
);

scene(
  "a container whose monitor was killed with it keeps port and address until pontoon clean; then podman has both again",
  async (world) => {
    await using podman = await startWithNetwork(world);
    await podman.run("other", ["--network=pods"]);
    await podman.run("web", ["--network=pods", "--publish=8088:80"]);
    const { monitor, container } = await podman.processes("web");
    await podman.must(["kill", "-KILL", String(monitor), String(container)]);
    // Nobody waits for the process, so it stays as a zombie, which has no namespace any more.
    const state = () => podman.must(["grep", "State:", `/proc/${container}/status`]);
    await waitFor("the container has ended", async () => (await state()).includes("Z"));
    // The namespace is still there, by its name.
    expect(await podman.must([PONTOON, "clean", "--dry-run", "--idle"])).toBe("nothing is left over");
    await podman.must(["sh", "-c", `touch -d "2 minutes ago" ${RECORDS}/*.json`]);
    expect(await podman.must([PONTOON, "clean", "--dry-run"])).toBe("nothing is left over");
    expect(await podman.must([PONTOON, "clean", "--dry-run", "--idle"])).toMatch(
      /^pod web \(network pods, eth0\): 10\.222\.0\.3, 8088->80\/tcp\n {2}no process runs in its namespace; /,
    );

    await podman.must([PONTOON, "clean", "--yes", "--idle"]);
    expect((await attachments(podman)).map(({ pod }) => pod)).toEqual(["other"]);
    await podman.run("again", ["--network=pods", "--publish=8088:80"]);
    expect((await attachments(podman)).map(({ pod, state }) => [pod, state]).sort()).toEqual([
      ["again", "ok"],
      ["other", "ok"],
    ]);
  },
  LIMIT_MS,
);

interface Row {
  pod: string;
  containerId: string;
  addresses: string[];
  state: string;
}

async function attachments(podman: Podman): Promise<Row[]> {
  return JSON.parse(await podman.must([PONTOON, "ls", "--json"])) as Row[];
}

/** With the conflist that is shipped. */
async function startWithNetwork(world: World): Promise<Podman> {
  const name = "10-pontoon.conflist";
  world.write(`${CONFIG_FOLDER}/${name}`, readFileSync(join(REPOSITORY, "cni-conf", name), "utf8"));
  return startPodman(world);
}
