// The reference chain on one host: its plugins called one after the other as libcni does it, each with the
// result of the one before. What is counted is the time of the plugins, added up; the work of a runtime
// between them is nobody's.
import { dirname } from "node:path";
import { toolPath } from "../test/support/tool.ts";
import type { Host } from "./host.ts";
import { bridgeKeys, cniEnvironment, containerId, NETWORK } from "./plugin.ts";

export interface ChainPlugin {
  type: string;
  [key: string]: unknown;
}

/** Milliseconds, all plugins together. */
export interface ChainTiming {
  ms: number;
}

/** `bridge` with masquerading, by `iptables` unless another backend is named. */
export function bridgePlugin(backend?: "nftables"): ChainPlugin {
  return { type: "bridge", ...bridgeKeys(true, backend) };
}

export class Chain {
  readonly host: Host;
  readonly #plugins: ChainPlugin[];
  readonly #runtimeConfig: (pod: string) => Record<string, unknown>;
  readonly #ids = new Map<string, string>();
  readonly #results = new Map<string, unknown>();

  constructor(host: Host, plugins: ChainPlugin[], runtimeConfig: (pod: string) => Record<string, unknown>) {
    this.host = host;
    this.#plugins = plugins;
    this.#runtimeConfig = runtimeConfig;
  }

  /** ADD of one pod by all plugins, which have to succeed. */
  async add(pod: string): Promise<ChainTiming> {
    this.#ids.set(pod, containerId());
    this.#results.delete(pod);
    let ms = 0;
    for (const plugin of this.#plugins) {
      ms += await this.#call("ADD", plugin, pod);
      this.#results.set(pod, JSON.parse(this.host.read("/run/bench/chain.out")));
    }
    return { ms };
  }

  /** DEL by all plugins, the last one first, with the last result. */
  async del(pod: string): Promise<ChainTiming> {
    let ms = 0;
    for (const plugin of this.#plugins.toReversed()) ms += await this.#call("DEL", plugin, pod);
    return { ms };
  }

  async #call(verb: "ADD" | "DEL", plugin: ChainPlugin, pod: string): Promise<number> {
    const [stdin, stdout, stderr] = ["/run/bench/chain.json", "/run/bench/chain.out", "/run/bench/chain.err"];
    const path = toolPath(plugin.type);
    const folder = dirname(toolPath("host-local"));
    this.host.write(
      stdin,
      JSON.stringify({
        ...NETWORK,
        ...plugin,
        runtimeConfig: this.#runtimeConfig(pod),
        prevResult: this.#results.get(pod),
      }),
    );
    const env = cniEnvironment(verb, pod, this.#ids.get(pod) ?? "", folder);
    const {
      timings: [timing],
    } = await this.host.run([{ words: [path], stdin, stdout, stderr, env }]);
    if (timing?.status !== 0)
      throw new Error(
        `${verb} of ${pod} by ${plugin.type} failed: ${this.host.read(stdout)}${this.host.read(stderr)}`,
      );
    return timing.ms;
  }
}
