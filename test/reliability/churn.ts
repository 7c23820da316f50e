// Workers with a pod each, on one network that has too little for all: they add, check, delete, collect and
// restore at random, and kill their own calls, while a ledger says which address is whose.
import { addressesOf, type CniResult, type PluginCall, plugin } from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";
import { endAllIn } from "./end.ts";
import { type Bench, below, type Part, type Random, randomOf } from "./part.ts";
import { type Variant, variantNamed } from "./variant.ts";

/** How many calls each worker makes in one case. */
const ROUNDS = 8;
/** Room for all workers and for two attachments that were killed. */
const RANGE = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.10", rangeEnd: "10.1.0.27" };

/** A network, and how many pods want to be on it. */
interface Arena {
  network: () => Network;
  workers: number;
  /** How many pods there is room for. */
  room: number;
  /** The error codes of an ADD that finds no room, or another call that it has to wait for. */
  refusals: number[];
  /** An attached pod reaches this address whoever else is there. */
  reaches: string | undefined;
  /** A CHECK is content whatever others do. */
  isChecked: boolean;
  /** The variant of the same kind, for the devices of the host. */
  variant: Variant;
}

const ARENAS: readonly Arena[] = [
  {
    network: () => {
      const conflist = network("pods", { macspoofchk: true, ingressPolicy: "open" });
      conflist.plugins[0].ipam!.ranges = [[RANGE], [{ subnet: "fd01::/64" }]];
      return conflist;
    },
    workers: 16,
    room: 18,
    // A pool in which killed attachments still have their addresses may be full for a moment.
    refusals: [100],
    reaches: "10.1.0.1",
    isChecked: true,
    variant: variantNamed("nftables"),
  },
  {
    network: variantNamed("wire").network,
    workers: 5,
    room: 2,
    // 11: the wire has gone, and the ADD of the other member has not ended.
    refusals: [11, 100, 125],
    reaches: undefined,
    // A member that the other has left is told so.
    isChecked: false,
    variant: variantNamed("wire"),
  },
  {
    network: variantNamed("device").network,
    workers: 5,
    room: 2,
    refusals: [126],
    reaches: "10.5.0.1",
    isChecked: true,
    variant: variantNamed("device"),
  },
];

export const churn: Part = {
  name: "churn",
  promise:
    "Whatever many workers do at once and whoever dies, no address or device has two owners, and none is lost.",
  open: async () => new ChurnBench(),
};

class ChurnBench implements Bench {
  calls = 0;

  async play(name: string): Promise<string[]> {
    const world = await openWorld();
    try {
      const arena = ARENAS[Number(name) % ARENAS.length]!;
      const game = new Game(world, randomOf(Number(name)), arena);
      const found = await game.play();
      this.calls += game.calls;
      return found;
    } finally {
      await endAllIn(world);
      await world[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** `unsure`: a call of it was killed, and none after that has said how it is. */
type State = "absent" | "attached" | "unsure";

interface Worker {
  pod: Pod;
  state: State;
  /** True while a call of its own runs: a runtime does not list such a pod as gone. */
  isBusy: boolean;
  result: CniResult | undefined;
  random: Random;
}

class Game {
  calls = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #arena: Arena;
  readonly #found: string[] = [];
  /** A GC under way: a runtime begins no ADD that its list of pods does not know. */
  #collecting: Promise<unknown> = Promise.resolve();
  /** Who has an address, from the end of its ADD to the beginning of its DEL. */
  readonly #owners = new Map<string, Worker>();
  #network!: Network;

  constructor(world: World, random: Random, arena: Arena) {
    this.#world = world;
    this.#random = random;
    this.#arena = arena;
  }

  async play(): Promise<string[]> {
    const { network: conflist, workers: count, variant } = this.#arena;
    this.#network = install(this.#world, conflist());
    await variant.plugIn?.(this.#world);
    const devices = await this.#devices();
    const workers: Worker[] = [];
    for (let at = 0; at < count; at++) {
      const pod = await this.#world.pod(`pod-${at}`);
      const random = randomOf(below(this.#random, 2 ** 32));
      workers.push({ pod, state: "absent", isBusy: false, result: undefined, random });
    }
    await Promise.all(workers.map((worker) => this.#work(worker, workers)));
    await this.#settle(workers);
    const now = new Set(await this.#devices());
    this.#found.push(...devices.filter((line) => !now.has(line)).map((line) => `not as it was: ${line}`));
    if (this.#found.length === 0) await this.#fill(workers.length);
    return this.#found;
  }

  /** The devices on the node that pods may get, a line each. */
  async #devices(): Promise<string[]> {
    return [...((await this.#arena.variant.devices?.(this.#world.host)) ?? [])].map(([, line]) => line);
  }

  async #work(worker: Worker, all: Worker[]): Promise<void> {
    for (let round = 0; round < ROUNDS && this.#found.length === 0; round++) {
      const dice = worker.random();
      if (dice < 0.05) await this.#collect(all);
      else if (dice < 0.08) await this.#restore();
      else await this.#own(worker);
      this.#world.diary.length = 0;
    }
  }

  /** A call of the worker's own pod, killed in one of three cases. */
  async #own(worker: Worker): Promise<void> {
    // Between the look and the mark no GC may begin, so nothing is waited for there.
    for (let seen: unknown; worker.state === "absent" && seen !== this.#collecting; ) {
      seen = this.#collecting;
      await seen;
    }
    worker.isBusy = true;
    const through = worker.random() < 0.33 ? killedAfter(worker.random() * 0.03) : [];
    if (worker.state === "absent") await this.#add(worker, through);
    else if (this.#arena.isChecked && worker.state === "attached" && worker.random() < 0.3)
      await this.#check(worker);
    else await this.#delete(worker, through);
    worker.isBusy = false;
  }

  async #add(worker: Worker, through: string[]): Promise<void> {
    const outcome = await this.#call("ADD", { network: this.#network, pod: worker.pod, through });
    if (wasKilled(outcome)) worker.state = "unsure";
    else if (outcome.status === 0) this.#enter(worker, JSON.parse(outcome.stdout) as CniResult);
    else if (!this.#arena.refusals.some((code) => outcome.stdout.includes(`"code": ${code},`)))
      this.#found.push(`ADD failed: ${outcome.stdout}`);
  }

  #enter(worker: Worker, result: CniResult): void {
    worker.state = "attached";
    worker.result = result;
    for (const address of addressesOf(result)) {
      const other = this.#owners.get(address);
      if (other !== undefined)
        this.#found.push(`${address} was given to ${worker.pod.name}, and ${other.pod.name} has it`);
      this.#owners.set(address, worker);
    }
  }

  async #check(worker: Worker): Promise<void> {
    const more = { prevResult: worker.result };
    const { status, stdout } = await this.#call("CHECK", { network: this.#network, pod: worker.pod, more });
    if (status !== 0) this.#found.push(`CHECK of ${worker.pod.name} failed: ${stdout}`);
  }

  async #delete(worker: Worker, through: string[]): Promise<void> {
    for (const [address, owner] of this.#owners) if (owner === worker) this.#owners.delete(address);
    const outcome = await this.#call("DEL", { network: this.#network, pod: worker.pod, through });
    worker.state = wasKilled(outcome) ? "unsure" : "absent";
    if (!wasKilled(outcome) && outcome.status !== 0) this.#found.push(`DEL failed: ${outcome.stdout}`);
  }

  async #collect(all: Worker[]): Promise<void> {
    const living = all.filter(({ state, isBusy }) => isBusy || state !== "absent").map(({ pod }) => pod);
    const more = { "cni.dev/valid-attachments": listed(living) };
    const call = this.#call("GC", { network: this.#network, more });
    this.#collecting = Promise.all([this.#collecting, call]);
    const { status, stdout } = await call;
    if (status !== 0) this.#found.push(`GC failed: ${stdout}`);
  }

  async #restore(): Promise<void> {
    this.calls += 1;
    const { status, stderr } = await this.#world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "restore"]);
    if (status !== 0) this.#found.push(`restore failed: ${stderr}`);
  }

  /** Whoever is attached works, and when all have gone nothing is left. */
  async #settle(workers: Worker[]): Promise<void> {
    const attached = workers.filter(({ state }) => state === "attached");
    for (const worker of attached)
      for (const address of this.#reachedBy(worker, attached))
        if (!(await pings(worker.pod, address)))
          this.#found.push(`${worker.pod.name} is attached and does not reach ${address}`);
    await Promise.all(workers.map((worker) => this.#delete(worker, [])));
    const left = (await snapshot(this.#world)).attachments;
    this.#found.push(...left.lines.map((line) => `left when all have gone: ${line}`));
  }

  /** The gateway or the network of a device, or on a wire the other member. */
  #reachedBy(worker: Worker, attached: Worker[]): string[] {
    if (this.#arena.reaches !== undefined) return [this.#arena.reaches];
    return attached
      .filter((each) => each !== worker)
      .flatMap(({ result }) => (result === undefined ? [] : addressesOf(result)));
  }

  /** The whole pool is free again: as many pods as it has addresses get one. */
  async #fill(from: number): Promise<void> {
    const given = new Set<string>();
    const { room } = this.#arena;
    for (let at = 0; at < room; at++) {
      const pod = await this.#world.pod(`late-${from + at}`);
      const outcome = await this.#call("ADD", { network: this.#network, pod });
      if (outcome.status !== 0)
        return void this.#found.push(`pod ${at + 1} of ${room} gets no address: ${outcome.stdout}`);
      given.add(addressesOf(JSON.parse(outcome.stdout) as CniResult)[0]!);
    }
    if (given.size !== room) this.#found.push(`${room} pods have ${given.size} addresses`);
  }

  #call(verb: "ADD" | "DEL" | "CHECK" | "GC", call: PluginCall): Promise<Outcome> {
    this.calls += 1;
    return plugin(this.#world, verb, call);
  }
}

function killedAfter(seconds: number): string[] {
  return ["timeout", "--foreground", "--preserve-status", "--signal=KILL", seconds.toFixed(6)];
}

function wasKilled({ status }: Outcome): boolean {
  return status === 137 || status === undefined;
}
