// A throw-away host for one test: its own network, its own /run and /var/lib/cni. The kernel removes all of
// it when the test process ends, however it ends, because only a `cat` that reads from the test keeps it
// alive.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Place } from "./place.ts";
import { BackgroundProcess } from "./process.ts";
import { REPOSITORY, SYSTEM_PATH, toolPath } from "./tool.ts";

/** Folders inside a world, on its own tmpfs. */
export const PLUGIN_FOLDER = "/run/world/bin";
export const CONFIG_FOLDER = "/run/world/net.d";

const PREPARE = `
  set -e
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns ${PLUGIN_FOLDER} ${CONFIG_FOLDER} /var/lib/cni
  mount -t tmpfs tmpfs /var/lib/cni
  ip link set lo up
  echo 0 > /proc/sys/net/ipv4/ip_forward
  echo 0 > /proc/sys/net/ipv6/conf/all/forwarding
  echo ready
  exec cat
`;

/** A network namespace as a runtime makes it for a pod: loopback up and nothing else. */
export class Pod extends Place {
  declare readonly namespace: string;

  /** The container id that cnitool makes of the namespace's path. */
  get containerId(): string {
    return `cnitool-${createHash("sha512").update(this.namespace).digest().subarray(0, 10).toString("hex")}`;
  }
}

export class World implements AsyncDisposable {
  readonly host: Place;
  readonly pods: Pod[] = [];
  /** What was called and how it ended, for the evidence after a failure. */
  readonly diary: string[] = [];
  readonly #holder: BackgroundProcess;

  constructor(holder: BackgroundProcess) {
    this.#holder = holder;
    this.host = new Place("the host", holder.pid);
  }

  /** The path of the host's own network namespace. */
  get hostNamespace(): string {
    return `/proc/${this.#holder.pid}/ns/net`;
  }

  /** Makes a pod's namespace, `ip netns` name and all. */
  async pod(name: string): Promise<Pod> {
    await this.host.must(`ip netns add ${name}`);
    const pod = new Pod(name, this.#holder.pid, `/run/netns/${name}`);
    await pod.must("ip link set lo up");
    this.pods.push(pod);
    return pod;
  }

  /** Removes a pod's namespace, as a runtime does after (or without) a DEL. */
  async removePod(pod: Pod): Promise<void> {
    await this.host.must(`ip netns delete ${pod.name}`);
    this.pods.splice(this.pods.indexOf(pod), 1);
  }

  /** The path by which the test process itself reaches a file of the world. */
  outside(path: string): string {
    return join(`/proc/${this.#holder.pid}/root`, path);
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(this.outside(path)), { recursive: true });
    writeFileSync(this.outside(path), content);
  }

  read(path: string): string {
    return readFileSync(this.outside(path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(this.outside(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.finish();
  }
}

/** Opens a new world. Needs root: a test without it fails and says so. */
export async function openWorld(): Promise<World> {
  if (process.getuid?.() !== 0) throw new Error("The tests make network namespaces. Hint: run them as root.");
  const command = [toolPath("unshare"), "--mount", "--net", "--propagation", "private", "sh", "-c", PREPARE];
  const holder = new BackgroundProcess(command, { env: { PATH: SYSTEM_PATH }, timeoutMs: 600_000 });
  await holder.says("ready");
  const world = new World(holder);
  symlinkSync(pluginBinary(), world.outside(`${PLUGIN_FOLDER}/pontoon`));
  return world;
}

/** The executable under test: dist/pontoon, or another one named by PONTOON_BINARY. */
export function pluginBinary(): string {
  const path = process.env["PONTOON_BINARY"] ?? join(REPOSITORY, "dist/pontoon");
  if (!existsSync(path))
    throw new Error(`There is no executable to test at ${path}. Hint: npm run build makes it.`);
  return path;
}
