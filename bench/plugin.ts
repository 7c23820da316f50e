// One way to connect pods: a plugin, a configuration and a host. Calls the plugin as a runtime does, and
// nothing between.
import { createHash } from "node:crypto";
import { SYSTEM_PATH } from "../test/support/tool.ts";
import type { Batch, Call, Host, Timing } from "./host.ts";

export interface Wishes {
  masquerade: boolean;
  /** For the reference: "iptables" is its default. */
  backend?: "nftables";
  dataDir?: string;
  /** Further keys of the configuration. */
  keys?: Record<string, unknown>;
  /** What the runtime adds for one pod. */
  runtimeConfig?: (pod: string) => Record<string, unknown>;
}

export interface Program {
  /** The value of "type". */
  type: string;
  path: string;
  /** CNI_PATH: where the plugin finds others. */
  folder: string;
  /** The words in front of the path, where another program looks on. */
  through?: string[];
}

let count = 0;

export class Plugin {
  readonly host: Host;
  readonly #program: Program;
  readonly #config: Record<string, unknown>;
  readonly #runtimeConfig: Wishes["runtimeConfig"];
  readonly #folder: string;
  readonly #ids = new Map<string, string>();
  readonly #wishes: Wishes;

  constructor(host: Host, program: Program, wishes: Wishes) {
    const { masquerade, backend, dataDir, keys, runtimeConfig } = wishes;
    this.host = host;
    this.#wishes = wishes;
    this.#program = program;
    this.#runtimeConfig = runtimeConfig;
    this.#folder = `/run/bench/plugin-${++count}`;
    this.#config = {
      ...NETWORK,
      type: program.type,
      ...bridgeKeys(masquerade, backend, dataDir),
      ...keys,
    };
    host.write(this.#file("add", "json"), JSON.stringify(this.#config));
  }

  /** The same network on the same host by another program. */
  with(program: Program): Plugin {
    return new Plugin(this.host, program, this.#wishes);
  }

  /** ADD of one pod, which has to succeed. */
  async add(pod: string): Promise<Timing> {
    return only(await this.addAll([pod]));
  }

  async del(pod: string): Promise<Timing> {
    return only(await this.delAll([pod]));
  }

  /** ADD of many pods at once. All have to succeed. */
  async addAll(pods: string[]): Promise<Batch> {
    for (const pod of pods) this.#ids.set(pod, containerId());
    if (this.#runtimeConfig !== undefined)
      for (const pod of pods)
        this.host.write(this.#file(`add-${pod}`, "json"), JSON.stringify(this.#configOf(pod)));
    return this.#run("ADD", pods);
  }

  async delAll(pods: string[]): Promise<Batch> {
    for (const pod of pods)
      this.host.write(
        this.#file(pod, "json"),
        JSON.stringify({ ...this.#configOf(pod), prevResult: this.result(pod) }),
      );
    return this.#run("DEL", pods);
  }

  /** What the last ADD of a pod printed. */
  result(pod: string): { ips: { address: string }[] } {
    return JSON.parse(this.host.read(this.#file(pod, "result"))) as { ips: { address: string }[] };
  }

  /** What the last call for a pod wrote to stderr. */
  stderr(pod: string): string {
    return this.host.read(this.#file(pod, "err"));
  }

  async #run(verb: "ADD" | "DEL", pods: string[]): Promise<Batch> {
    const batch = await this.host.run(pods.map((pod) => this.#call(verb, pod)));
    for (const [index, { status }] of batch.timings.entries()) {
      const pod = pods[index] ?? "";
      if (status !== 0)
        throw new Error(
          `${verb} of ${pod} by ${this.#program.type} failed: ${this.host.read(this.#output(verb, pod))}${this.stderr(pod)}`,
        );
    }
    return batch;
  }

  #configOf(pod: string): Record<string, unknown> {
    return this.#runtimeConfig === undefined
      ? this.#config
      : { ...this.#config, runtimeConfig: this.#runtimeConfig(pod) };
  }

  #call(verb: "ADD" | "DEL", pod: string): Call {
    const add = this.#runtimeConfig === undefined ? "add" : `add-${pod}`;
    return {
      words: [...(this.#program.through ?? []), this.#program.path],
      stdin: this.#file(verb === "ADD" ? add : pod, "json"),
      stdout: this.#output(verb, pod),
      stderr: this.#file(pod, "err"),
      env: cniEnvironment(verb, pod, this.#ids.get(pod) ?? "", this.#program.folder),
    };
  }

  #output(verb: "ADD" | "DEL", pod: string): string {
    return this.#file(pod, verb === "ADD" ? "result" : "del.out");
  }

  #file(name: string, ending: string): string {
    return `${this.#folder}/${name}.${ending}`;
  }
}

/** The keys of every network list. */
export const NETWORK = { cniVersion: "1.0.0", name: "bench" };

/** The network as `bridge` and ours are told of it. */
export function bridgeKeys(
  masquerade: boolean,
  backend?: Wishes["backend"],
  dataDir?: string,
): Record<string, unknown> {
  return {
    bridge: "bench0",
    isDefaultGateway: true,
    ipMasq: masquerade,
    ...(backend === undefined ? {} : { ipMasqBackend: backend }),
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.77.0.0/16" }]],
      ...(dataDir === undefined ? {} : { dataDir }),
    },
  };
}

/** What a runtime tells a plugin by its environment. */
export function cniEnvironment(
  verb: "ADD" | "DEL",
  pod: string,
  id: string,
  folder: string,
): Record<string, string> {
  return {
    PATH: SYSTEM_PATH,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: id,
    CNI_NETNS: `/run/netns/${pod}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: folder,
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
  };
}

/** A new id each time, of the length that runtimes use. */
export function containerId(): string {
  return createHash("sha256").update(`container ${++count}`).digest("hex");
}

function only({ timings: [timing] }: Batch): Timing {
  if (timing === undefined) throw new Error("one call has one timing");
  return timing;
}
