// A host for one case after the other: what networks share is there, pod "resident" has to lose nothing, and
// pod "red" is the one that is hurt.
import { type CniResult, mustSucceed, type PluginCall, plugin, type Verb } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { portConfig } from "../support/host-port.ts";
import { addPlugins } from "../support/ipam.ts";
import { install, type Network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";
import { endAllIn } from "./end.ts";
import { stateOf } from "./state.ts";
import { type Variant, variantNamed } from "./variant.ts";

const RESTORE = [`${PLUGIN_FOLDER}/pontoon`, "restore"];

/** What is called: a verb of CNI, or the command `pontoon restore`. */
export type Action = Exclude<Verb, "VERSION"> | "restore";

export class Stage implements AsyncDisposable {
  readonly world: World;
  /** The name of the variant, and what it is. */
  readonly name: string;
  readonly variant: Variant;
  readonly network: Network;
  red: Pod;
  blue: Pod;
  readonly resident: Pod;
  /** The devices of the host before any call, a line for each. */
  devices: ReadonlyMap<string, string> = new Map();
  /** The state without red. */
  baseline!: Snapshot;
  /** The result of the last ADD of red. */
  result: CniResult | undefined;
  #calls = 0;

  private constructor(world: World, name: string, pods: Pod[]) {
    this.world = world;
    this.name = name;
    this.variant = variantNamed(name);
    this.network = install(world, this.variant.network());
    [this.red, this.blue, this.resident] = pods as [Pod, Pod, Pod];
  }

  static async open(name: string): Promise<Stage> {
    const stage = await Stage.openEmpty(name);
    const { world } = stage;
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await stage.call(verb, stage.blue));
    mustSucceed(await stage.call("ADD", stage.resident));
    // The network of a device takes a moment to notice that its cable is plugged in again.
    await waitFor("the resident reaches its network", async () => (await stage.unreached()).length === 0);
    const alone = await stage.state();
    // A second pod comes and goes, so that what calls leave for good is there.
    for (const action of ["ADD", "restore", "DEL"] as const) mustSucceed(await stage.call(action));
    stage.baseline = await stage.state();
    const lost = stage.residentLost(alone, stage.baseline);
    if (lost.length > 0) throw new Error(`The resident lost its own with an unhurt DEL: ${lost.join(", ")}.`);
    world.diary.length = 0;
    return stage;
  }

  /** The same before any call. */
  static async openEmpty(name: string): Promise<Stage> {
    const world = await openWorld();
    addPlugins(world, "host-local");
    for (const program of ["iptables-nft", "ip6tables-nft"])
      await world.host.must(`${toolPath(program)} -P FORWARD DROP`);
    const pods = [];
    for (const pod of ["red", "blue", "resident"]) pods.push(await world.pod(pod));
    const stage = new Stage(world, name, pods);
    await stage.variant.plugIn?.(world);
    stage.devices = (await stage.variant.devices?.(world.host)) ?? stage.devices;
    return stage;
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
    return stateOf(this.world, this.resident, this.variant);
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
    const more = this.variant.hasHostPorts ? portConfig(ports) : {};
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
    if (action === "ADD" && this.variant.losesWire) await this.#loseWire();
    if (action === "ADD" || action === "STATUS") return;
    mustSucceed(await this.call("ADD"));
    const unreached = await this.unreached();
    if (unreached.length > 0) throw new Error(`With red attached: ${unreached.join(", ")}.`);
    // A flow that goes by red's port for as long as packets come, unless somebody ends it.
    if (this.variant.hasHostPorts)
      await this.world.host.must(["bash", "-c", "echo hello > /dev/udp/10.1.0.1/8081"]);
    if (action === "restore") await this.flush();
  }

  /** Another pod joins the resident, and its namespace dies with the wire. */
  async #loseWire(): Promise<void> {
    mustSucceed(await this.call("ADD", this.blue));
    await this.world.removePod(this.blue);
    const isGone = async () => (await this.resident.exec("ip link show dev eth0")).status !== 0;
    await waitFor("the wire has gone with the namespace", isGone);
    mustSucceed(await this.call("DEL", this.blue));
    this.blue = await this.world.pod("blue");
  }

  /** Takes away tables of packet rules under the running pods, as a firewall that is started does. */
  async flush(): Promise<void> {
    await this.world.host.must([
      "sh",
      "-c",
      'nft list tables | grep -E "(inet|bridge) pontoon" | while read -r table; do nft delete $table; done',
    ]);
  }

  /** Lines for what the resident pod has no more, or not as before: nobody has asked for its end. */
  residentLost(before: Snapshot, now: Snapshot): string[] {
    return now.in(this.resident).minus(before.in(this.resident)).lines;
  }

  /** Lines for what the resident does not reach: the node, its network, or the other end of its wire. */
  async unreached(): Promise<string[]> {
    const lines = await this.variant.facts(this.world.host, this.resident);
    return lines.filter((line) => line.endsWith(": false"));
  }

  /** The namespace of red dies, and what `meanwhile` does is done before red has another one. */
  async withoutRed<T>(meanwhile: () => Promise<T>): Promise<T> {
    await this.world.removePod(this.red);
    const outcome = await meanwhile();
    this.red = await this.world.pod("red");
    return outcome;
  }

  /** Lines for what is not as it was without red; none when all is well. */
  async remains(): Promise<string[]> {
    const unreached = this.variant.losesWire ? await this.#rejoin() : [];
    // Marks of a restore stay with the record that they belong to, and a hint only says where to look first.
    const { lines } = (await this.state())
      .minus(this.baseline)
      .exceptAdded(({ marks }) => marks)
      .outside(({ hints }) => hints);
    return [...unreached, ...lines];
  }

  /** The next ADD that succeeds gives the resident its end again; red comes and goes. */
  async #rejoin(): Promise<string[]> {
    mustSucceed(await this.call("ADD"));
    const unreached = await this.unreached();
    mustSucceed(await this.call("DEL"));
    return unreached;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A call that is still there would keep the host, and whoever reads its output, for ever.
    await endAllIn(this.world);
    await this.world[Symbol.asyncDispose]();
  }
}
