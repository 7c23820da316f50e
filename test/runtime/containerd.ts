// A containerd of its own inside a world, spoken to as kubelet speaks to it: through CRI. It runs in its own
// PID namespace below a `cat` that reads from the test: when the test ends, however it ends, the kernel ends
// containerd, its shims and every container with it.
import { symlinkSync } from "node:fs";
import { type BackgroundProcess, describe, type Outcome } from "../support/process.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";
import { removeGroups } from "./group.ts";
import { buildImage, IMAGE } from "./image.ts";

const FOLDER = "/run/world/containerd";
const SOCKET = `${FOLDER}/containerd.sock`;
/**
 * Groups of processes cannot be private to a world: these get a name of their own and are removed at the end.
 */
const CGROUP = `pontoon-test-${process.pid}`;

/** `plugins`: the folder of the plugins. */
const configOf = (plugins: string): string => `
version = 2
root = "${FOLDER}/root"
state = "${FOLDER}/state"

[grpc]
  address = "${SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${FOLDER}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${CONFIG_FOLDER}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`;

// The shims' sockets are always in /run/containerd.
const START = `
  mkdir -p /run/containerd
  containerd --config ${FOLDER}/config.toml > ${FOLDER}/log 2>&1 &
  echo ready
  exec cat
`;

export interface PodWishes {
  portMappings?: { host_port: number; container_port: number; protocol: "TCP" | "UDP" }[];
  annotations?: Record<string, string>;
}

export class Containerd implements AsyncDisposable {
  readonly #world: World;
  readonly #process: BackgroundProcess;

  constructor(world: World, process: BackgroundProcess) {
    this.#world = world;
    this.#process = process;
  }

  /** Calls the CRI client, whatever the end. */
  async try(...command: string[]): Promise<Outcome> {
    const outcome = await this.#world.host.exec(
      [toolPath("cri"), "-r", `unix://${SOCKET}`, "-t", "30", ...command],
      { timeoutMs: 40_000 },
    );
    this.#world.diary.push(describe(outcome));
    return outcome;
  }

  /** Calls the CRI client; it has to succeed. */
  async cri(...command: string[]): Promise<string> {
    const outcome = await this.try(...command);
    if (outcome.status !== 0)
      throw new Error(
        `A CRI call failed.\n${describe(outcome)}\ncontainerd's log ends with:\n${this.#logEnd()}`,
      );
    return outcome.stdout.trim();
  }

  /** Starts a pod with one container in it. */
  async runPod(name: string, wishes: PodWishes = {}): Promise<RuntimePod> {
    const podFile = `${FOLDER}/${name}.pod.json`;
    const containerFile = `${FOLDER}/${name}.container.json`;
    this.#world.write(
      podFile,
      JSON.stringify({
        metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
        hostname: name,
        log_directory: `${FOLDER}/logs`,
        port_mappings: wishes.portMappings ?? [],
        annotations: wishes.annotations ?? {},
        linux: { cgroup_parent: `/${CGROUP}` },
      }),
    );
    this.#world.write(
      containerFile,
      JSON.stringify({
        metadata: { name, attempt: 0 },
        image: { image: IMAGE },
        log_path: `${name}.log`,
        linux: {},
      }),
    );
    const id = await this.cri("runp", podFile);
    const container = await this.cri("create", id, containerFile, podFile);
    await this.cri("start", container);
    return new RuntimePod(this, name, id, container);
  }

  async waitUntilReady(): Promise<void> {
    await waitFor(
      "containerd answers and has loaded a network",
      async () => {
        const { status, stdout } = await this.try("info");
        return status === 0 && networkIsReady(stdout);
      },
      20_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.finish();
    await removeGroups(this.#world, CGROUP);
  }

  #logEnd(): string {
    return this.#world.read(`${FOLDER}/log`).split("\n").slice(-15).join("\n");
  }
}

/** A pod as containerd runs it. */
export class RuntimePod {
  readonly #runtime: Containerd;
  readonly #container: string;
  readonly name: string;
  readonly id: string;

  constructor(runtime: Containerd, name: string, id: string, container: string) {
    this.#runtime = runtime;
    this.name = name;
    this.id = id;
    this.#container = container;
  }

  /** The address that containerd would tell kubelet. */
  async addresses(): Promise<string[]> {
    const { status } = JSON.parse(await this.#runtime.cri("inspectp", this.id)) as PodState;
    return [status.network.ip, ...(status.network.additionalIps ?? []).map(({ ip }) => ip)];
  }

  /** Runs a program in the pod's container; it has to succeed. */
  async exec(command: string): Promise<string> {
    return this.#runtime.cri("exec", this.#container, "/bin/sh", "-c", command);
  }

  /** Stops and removes the pod: its network goes with it. */
  async remove(): Promise<void> {
    await this.#runtime.cri("stopp", this.id);
    await this.#runtime.cri("rmp", this.id);
  }
}

interface PodState {
  status: { network: { ip: string; additionalIps?: { ip: string }[] } };
}

/**
 * Starts containerd, with the plugins of a folder that has all that it needs; else with Pontoon and the
 * reference's loopback.
 */
export async function startContainerd(world: World, plugins?: string): Promise<Containerd> {
  world.write(`${FOLDER}/config.toml`, configOf(plugins ?? PLUGIN_FOLDER));
  if (plugins === undefined) symlinkSync(toolPath("loopback"), world.outside(`${PLUGIN_FOLDER}/loopback`));
  const image = await buildImage(world);
  const own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", START];
  const process = world.host.start(own, { timeoutMs: 300_000 });
  await process.says("ready");
  const containerd = new Containerd(world, process);
  try {
    await containerd.waitUntilReady();
    await world.host.must(`${toolPath("ctr")} --address ${SOCKET} --namespace k8s.io image import ${image}`);
    return containerd;
  } catch (error) {
    await containerd[Symbol.asyncDispose]();
    throw error;
  }
}

function networkIsReady(text: string): boolean {
  const { status } = JSON.parse(text) as { status: { conditions: { type: string; status?: boolean }[] } };
  return status.conditions.some(({ type, status: ready }) => type === "NetworkReady" && ready === true);
}
