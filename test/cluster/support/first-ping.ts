// What the first ping of each pod met, as tcpdump sees it at the pods' interfaces on their nodes. A pod
// cannot say it: its processes have the smallest share of the processor (cpu.shares 2, since it requests
// none), and on a busy machine a ping to 127.0.0.1 takes a second, too.
import { BackgroundProcess } from "../../support/process.ts";
import { SYSTEM_PATH, toolPath } from "../../support/tool.ts";

/** The pings of one pod. */
export interface FirstPing {
  /** From the first packet to the first answer, in milliseconds. */
  waitedMs: number;
  /** Packets before it that got no answer. */
  lost: number;
}

/** The pings of all pods of some nodes, from now on. */
export class PingWatch implements AsyncDisposable {
  readonly #dumps: BackgroundProcess[];

  private constructor(dumps: BackgroundProcess[]) {
    this.#dumps = dumps;
  }

  /** Watches the interfaces of these nodes, and returns when it does. */
  static async start(nodes: readonly number[]): Promise<PingWatch> {
    const prefix = process.env["PREFIX"] ?? "pontoon-kube";
    const dumps = nodes.map((n) => {
      const enter = [toolPath("nsenter"), `--net=/run/netns/${prefix}-node${n}`];
      // Short pieces: the buffer has room for few whole ones, and drops the rest.
      const dump = "tcpdump -n -l -tt --immediate-mode -s 128 -B 8192 -i any icmp".split(" ");
      return new BackgroundProcess([...enter, ...dump], { env: { PATH: SYSTEM_PATH }, timeoutMs: 900_000 });
    });
    await Promise.all(dumps.map((dump) => dump.says("listening on")));
    return new PingWatch(dumps);
  }

  /** By the addresses of pods whose ping was answered. */
  answered(): Map<string, FirstPing> {
    return new Map(this.#dumps.flatMap(({ output }) => [...firstPings(output)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#dumps.map((dump) => dump.stop()));
  }
}

/** Time, interface, direction, source, destination, kind and number of a packet. */
const LINE = /^(\S+) (veth\S*) +(\S+) +IP (\S+) > (\S+): ICMP echo (request|reply), (id \d+, seq \d+)/gm;

/** What packets say that come from pods and that go into them, in the lines of tcpdump. */
function firstPings(lines: string): Map<string, FirstPing> {
  const waiting = new Map<string, Map<string, number>>();
  const answered = new Map<string, FirstPing>();
  for (const [, time, , direction, from = "", to = "", kind, number = ""] of lines.matchAll(LINE)) {
    if (kind === "request" && direction !== "Out" && !answered.has(from))
      waiting.set(from, (waiting.get(from) ?? new Map()).set(number, Number(time)));
    const asked = kind === "reply" && direction === "Out" ? waiting.get(to) : undefined;
    if (asked?.has(number) !== true || answered.has(to)) continue;
    const [first = 0] = asked.values();
    answered.set(to, { waitedMs: (Number(time) - first) * 1000, lost: [...asked.keys()].indexOf(number) });
  }
  return answered;
}
