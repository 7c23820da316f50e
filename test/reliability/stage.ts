// A host for one case after the other: what networks share is there, pod "resident" has to lose nothing, and
// pod "red" is the one that is hurt.
import { type CniResult, mustSucceed, type PluginCall, plugin, type Verb } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { portConfig } from "../support/host-port.ts";
import { addPlugins } from "../support/ipam.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { ptpNetwork } from "../support/ptp.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { toolPath } from "../support/tool.ts";
import { openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";
import { endAllIn } from "./end.ts";
import { stateOf } from "./state.ts";

const FAMILIES = ["10.1.0.0/24", "fd01::/64"];

/** Keys that all variants have. */
const COMMON = {
  subnets: FAMILIES,
  capabilities: { portMappings: true },
  isDefaultGateway: true,
  ingressRate: 20_000_000,
  mtu: 1400,
  sourceBasedRouting: true,
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
  txQLen: 500,
  allmulti: true,
};

/** Networks that have every feature between them. A VLAN needs another kernel (test/vm). */
const VARIANTS: Record<string, () => Network> = {
  nftables: () =>
    network("pods", {
      ...COMMON,
      ipspoofchk: true,
      ingressPolicy: "isolated",
      egressRate: 20_000_000,
      promisc: true,
      hairpinMode: true,
    }),
  iptables: () =>
    network("pods", {
      ...COMMON,
      macspoofchk: true,
      ipMasqBackend: "iptables",
      ingressPolicy: "same-bridge",
      egressRate: 20_000_000,
      egressInPod: true,
      promiscMode: true,
      compat: { iptablesHostPortChains: true },
    }),
  ptp: () =>
    ptpNetwork("pods", {
      ...COMMON,
      ipspoofchk: true,
      ingressPolicy: "same-bridge",
      egressRate: 20_000_000,
    }),
  foreign: () => {
    const ranges = FAMILIES.map((subnet) => [{ subnet }]);
    // On the node's /run, as its documentation asks for: the program itself does not see a reboot.
    const ipam = { type: `${PLUGIN_FOLDER}/host-local`, ranges, dataDir: "/run/leases" };
    return network("pods", { ...COMMON, ipspoofchk: true, ipam });
  },
};

export const VARIANT_NAMES = Object.keys(VARIANTS);

const RESTORE = [`${PLUGIN_FOLDER}/pontoon`, "restore"];

/** What is called: a verb of CNI, or the command `pontoon restore`. */
export type Action = Exclude<Verb, "VERSION"> | "restore";

export class Stage implements AsyncDisposable {
  readonly world: World;
  readonly network: Network;
  readonly red: Pod;
  readonly blue: Pod;
  readonly resident: Pod;
  /** The state without red. */
  baseline!: Snapshot;
  /** The result of the last ADD of red. */
  result: CniResult | undefined;
  #calls = 0;

  private constructor(world: World, conflist: Network, pods: Pod[]) {
    this.world = world;
    this.network = conflist;
    [this.red, this.blue, this.resident] = pods as [Pod, Pod, Pod];
  }

  static async open(variant: string): Promise<Stage> {
    const stage = await Stage.openEmpty(variant);
    const { world } = stage;
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await stage.call(verb, stage.blue));
    // Twice, so that what the first DEL leaves for good is there.
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await stage.call(verb));
    mustSucceed(await stage.call("ADD", stage.resident));
    stage.baseline = await stage.state();
    world.diary.length = 0;
    return stage;
  }

  /** The same before any call. */
  static async openEmpty(variant: string): Promise<Stage> {
    const world = await openWorld();
    addPlugins(world, "host-local");
    for (const program of ["iptables-nft", "ip6tables-nft"])
      await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
    const conflist = install(world, VARIANTS[variant]!());
    const pods = [];
    for (const name of ["red", "blue", "resident"]) pods.push(await world.pod(name));
    return new Stage(world, conflist, pods);
  }

  /** Where the addresses of the network are leased. */
  get leaseFolder(): string {
    return `${this.network.plugins[0].ipam?.["dataDir"] ?? "/var/lib/cni/networks"}/pods`;
  }

  /** How many calls of the executable there were. */
  get calls(): number {
    return this.#calls;
  }

  state(): Promise<Snapshot> {
    return stateOf(this.world, this.resident);
  }

  /** What a runtime sends for a pod. Red has the host ports 8080 and 8081, the others have their own. */
  callOf(verb: Action, pod: Pod = this.red): PluginCall {
    const { network: conflist, red, blue } = this;
    const first = 8080 + 10 * [red, blue, this.resident].indexOf(pod);
    const ports = ["tcp", "udp"].map((protocol, at) => ({
      hostPort: first + at,
      containerPort: 80,
      protocol,
    }));
    const more = portConfig(ports);
    if (verb === "GC")
      return { network: conflist, pod, more: { "cni.dev/valid-attachments": listed([this.resident]) } };
    if (verb === "CHECK") return { network: conflist, pod, more: { ...more, prevResult: this.result } };
    return { network: conflist, pod, more };
  }

  /** A call of the executable, through other words where they are given. */
  async call(action: Action, pod: Pod = this.red, through: string[] = []): Promise<Outcome> {
    this.#calls += 1;
    const { world } = this;
    if (action === "restore") return world.host.exec([...through, ...RESTORE], { timeoutMs: 40_000 });
    const outcome = await plugin(world, action, { ...this.callOf(action, pod), through });
    world.diary.length = 0;
    if (action === "ADD" && pod === this.red && outcome.status === 0)
      this.result = JSON.parse(outcome.stdout) as CniResult;
    return outcome;
  }

  /** Brings the host to where an unhurt `action` would begin. */
  async prepare(action: Action): Promise<void> {
    if (action === "ADD" || action === "STATUS") return;
    mustSucceed(await this.call("ADD"));
    // A flow that goes by red's port for as long as packets come, unless somebody ends it.
    await this.world.host.must(["bash", "-c", "echo hello > /dev/udp/10.1.0.1/8081"]);
    if (action === "restore") await this.flush();
  }

  /** Takes away tables of packet rules under the running pods, as a firewall that is started does. */
  async flush(): Promise<void> {
    await this.world.host.must([
      "sh",
      "-c",
      'nft list tables | grep -E "(inet|bridge) pontoon" | while read -r table; do nft delete $table; done',
    ]);
  }

  /** Lines for what is not as it was without red; none when all is well. */
  async remains(): Promise<string[]> {
    // Marks of a restore stay with the record that they belong to, and a hint only says where to look first.
    return (await this.state())
      .minus(this.baseline)
      .exceptAdded(({ marks }) => marks)
      .outside(({ hints }) => hints).lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A call that is still there would keep the host, and whoever reads its output, for ever.
    await endAllIn(this.world);
    await this.world[Symbol.asyncDispose]();
  }
}
