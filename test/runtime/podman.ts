// A podman of its own inside a world. It runs in its own PID namespace below a `cat` that reads from the
// test: when the test ends, however it ends, the kernel ends every monitor and container with it.
import { readFileSync } from "node:fs";
import { type BackgroundProcess, describe, type Outcome } from "../support/process.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";
import { removeGroups } from "./group.ts";
import { buildImage, IMAGE } from "./image.ts";

const FOLDER = "/run/world/podman";
/**
 * Groups of processes cannot be private to a world: these get a name of their own and are removed at the end.
 */
const CGROUP = `pontoon-podman-${process.pid}`;

const CONFIGURATION = `
[containers]
pids_limit = 0
# Limits that a caller without CAP_SYS_RESOURCE may set.
default_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"

[network]
network_backend = "cni"
cni_plugin_dirs = ["${PLUGIN_FOLDER}"]
network_config_dir = "${CONFIG_FOLDER}"
`;

// Runtimes refuse a machine that has both versions of control groups, with controllers in the second.
const START = `
  umount /sys/fs/cgroup/unified 2> /dev/null
  echo ready
  exec cat
`;

export class Podman implements AsyncDisposable {
  readonly #world: World;
  readonly #process: BackgroundProcess;
  /** The process id of the first process in podman's namespaces. */
  readonly #inside: number;

  constructor(world: World, process: BackgroundProcess, inside: number) {
    this.#world = world;
    this.#process = process;
    this.#inside = inside;
  }

  /** Runs a program where podman runs, whatever the end: it sees podman's processes and namespaces. */
  async exec(command: string[]): Promise<Outcome> {
    const outcome = await this.#world.host.exec(
      ["nsenter", "--target", String(this.#inside), "--mount", "--pid", "--", ...command],
      { timeoutMs: 60_000 },
    );
    this.#world.diary.push(describe(outcome));
    return outcome;
  }

  /** Runs a program where podman runs; it has to succeed. */
  async must(command: string[]): Promise<string> {
    const outcome = await this.exec(command);
    if (outcome.status !== 0) throw new Error(`A command failed.\n${describe(outcome)}`);
    return outcome.stdout.trim();
  }

  /** Calls podman; it has to succeed. */
  async podman(...command: string[]): Promise<string> {
    return this.must([
      "env",
      `CONTAINERS_CONF=${FOLDER}/containers.conf`,
      toolPath("podman"),
      `--root=${FOLDER}/root`,
      `--runroot=${FOLDER}/state`,
      "--storage-driver=vfs",
      ...command,
    ]);
  }

  /** Starts a container in the background; gives its id. */
  async run(name: string, options: string[]): Promise<string> {
    const own = [`--name=${name}`, `--cgroup-parent=/${CGROUP}`, "--log-driver=none"];
    return this.podman("run", "--detach", ...own, ...options, IMAGE);
  }

  /** The process ids, as seen where podman runs, of a container's monitor and of its first process. */
  async processes(name: string): Promise<{ monitor: number; container: number }> {
    const format = "{{.State.ConmonPid}} {{.State.Pid}}";
    const [monitor, container] = (await this.podman("inspect", "--format", format, name)).split(" ");
    return { monitor: Number(monitor), container: Number(container) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.finish();
    await removeGroups(this.#world, CGROUP);
  }
}

/** Starts a place for podman, with Pontoon as its plugin, and loads the image. */
export async function startPodman(world: World): Promise<Podman> {
  world.write(`${FOLDER}/containers.conf`, CONFIGURATION);
  const image = await buildImage(world);
  const own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", START];
  const process = world.host.start(own, { timeoutMs: 300_000 });
  await process.says("ready");
  const podman = new Podman(world, process, await childOf(process.pid));
  try {
    await podman.podman("load", "--quiet", "--input", image);
    return podman;
  } catch (error) {
    await podman[Symbol.asyncDispose]();
    throw error;
  }
}

async function childOf(pid: number): Promise<number> {
  const read = () => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
  await waitFor("unshare has a child", () => read() > 0);
  return read();
}
