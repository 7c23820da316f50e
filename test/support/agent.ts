// The agent as a real process, in a network namespace of a test.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { O_RDONLY, openFile } from "../../src/sys/file.ts";
import { inNamespace, openOwnNamespace } from "../../src/sys/netns.ts";
import type { KubeApi } from "./kube-api.ts";
import type { Place } from "./place.ts";
import type { BackgroundProcess, Outcome } from "./process.ts";
import { REPOSITORY } from "./tool.ts";
import { waitFor } from "./wait.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, pluginBinary, type World } from "./world.ts";

/** Where the agent installs the plugin, in a world. */
export const BIN_FOLDER = "/run/world/opt";
export const CONFLIST = `${CONFIG_FOLDER}/10-pontoon.conflist`;

/** The options of Node in a cluster; docs/decisions/0019-agent.md says why. */
export const NODE_OPTIONS = optionsOfNode(
  readFileSync(join(REPOSITORY, "deploy/base/daemonset.yaml"), "utf8"),
);

function optionsOfNode(manifest: string): string[] {
  const [, lines] = /- \/bin\/node\n([^]*?) +- \/pontoon-agent\.cjs\n/.exec(manifest) ?? [];
  if (lines === undefined) throw new Error("deploy/base/daemonset.yaml has no command of /bin/node");
  return [...lines.matchAll(/- (--\S+)/g)].map(([, option]) => option!);
}

/** The bundle of the agent. */
export function agentBundle(): string {
  const path = join(REPOSITORY, "dist/pontoon-agent.cjs");
  if (!existsSync(path))
    execFileSync(process.execPath, [join(REPOSITORY, "scripts/build-agent.mjs")], { stdio: "pipe" });
  return path;
}

/** As in a container of the node's network: /sys is of that. */
function commandOf(nodeOptions: readonly string[], args: readonly string[]): string[] {
  const mounted = 'mount -t sysfs sysfs /sys && exec "$@"';
  return [
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c", mounted, "sh"],
    ...[process.execPath, ...nodeOptions, agentBundle(), ...args],
  ];
}

/** A line of the agent's log. */
export interface LogLine {
  time: string;
  level: string;
  msg: string;
  code: string;
  node?: string;
}

/** Lets the API server listen in the network namespace of a place of this world, or of its host. */
export async function startIn(api: KubeApi, world: World, { namespace }: Place): Promise<void> {
  using handle = openFile(namespace === undefined ? world.hostNamespace : world.outside(namespace), O_RDONLY);
  using back = openOwnNamespace();
  await api.start((action) => inNamespace(handle, back, action));
}

/** An agent that runs. */
export class RunningAgent implements AsyncDisposable {
  readonly process: BackgroundProcess;
  readonly #place: Place;

  constructor(place: Place, args: readonly string[], { nodeOptions = NODE_OPTIONS } = {}) {
    this.#place = place;
    this.process = place.start(commandOf(nodeOptions, args), {
      timeoutMs: 120_000,
    });
  }

  /** Runs the agent to its own end. */
  static once(place: Place, args: readonly string[]): Promise<Outcome> {
    return place.exec(commandOf(NODE_OPTIONS, args));
  }

  /** The lines of the log so far. */
  get log(): LogLine[] {
    return this.process.output
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Waits for a line with this code; gives the latest. */
  async logs(code: string, limitMs = 15_000): Promise<LogLine> {
    const find = (): LogLine | undefined => this.log.findLast((line) => line.code === code);
    await waitFor(
      `the agent logs ${code}; it logged:\n${this.process.output}`,
      () => find() !== undefined,
      limitMs,
    );
    return find()!;
  }

  /** The text of a page that the agent serves. */
  async get(path: string): Promise<string> {
    const { stdout } = await this.#place.exec(`curl --silent --max-time 5 http://127.0.0.1:9880${path}`);
    return stdout;
  }

  /** Waits until the node is as the cluster wants it. */
  async isReady(limitMs = 15_000): Promise<void> {
    await waitFor(
      "the agent is ready",
      async () => (await this.get("/readyz")) === "ok\n",
      limitMs,
      50,
    ).catch((error: Error) => {
      throw new Error(`${error.message} It logged:\n${this.process.output}`);
    });
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    await this.process.stop(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Options of an agent in a world, for a simulated API server. */
export function agentOptions(world: World, api: KubeApi, name: string, ...more: string[]): string[] {
  if (!world.has(`${PLUGIN_FOLDER}/pontoon`)) throw new Error("The world has no executable.");
  return [
    ...["--node-name", name, "--api", api.url, "--service-account", api.folder],
    ...["--conf-dir", CONFIG_FOLDER, "--bin-dir", BIN_FOLDER, "--pontoon", pluginBinary()],
    ...["--log-level", "debug", ...more],
  ];
}
