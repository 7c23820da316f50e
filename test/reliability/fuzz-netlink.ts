// Answers of the kernel with bytes changed, lengths that lie, and parts that are missing or come twice, read
// by everything that reads them: the looks of ADD, CHECK, STATUS and restore, in process, by netlink.
import fc from "fast-check";
import { CniError } from "../../src/cni/error.ts";
import { checkIsBridge, saysMacsFollow } from "../../src/look/bridge.ts";
import { listAddresses } from "../../src/net/address.ts";
import { deleteUdpFlows } from "../../src/net/conntrack.ts";
import { getLink, listPorts } from "../../src/net/link.ts";
import { listLinks } from "../../src/net/link-set.ts";
import { getLinkTuning } from "../../src/net/link-tuning.ts";
import { listRoutes } from "../../src/net/route-list.ts";
import { lookUpRoute } from "../../src/net/route-look-up.ts";
import { listSourceRules } from "../../src/net/rule.ts";
import { getBucket, listRedirects } from "../../src/net/traffic-control.ts";
import { SystemError } from "../../src/sys/errno.ts";
import { native } from "../../src/sys/native.ts";
import { kindLooks, type Look, sourceLooks } from "../kernel/look-list.ts";
import { everyStep, LookStage } from "../kernel/look-stage.ts";
import { address } from "../support/ip.ts";
import type { Bench, Part } from "./part.ts";
import { failureOf } from "./property.ts";

/** How many changed answers there are in one case. */
const RUNS = 150;

/** So many answers are enough for every look, however often it starts again. */
const MOST_ANSWERS = 5_000;

export const fuzzNetlink: Part = {
  name: "fuzz-netlink",
  promise: "Whatever the kernel answers, a reader ends, with a value or a SystemError.",
  open: async () => NetlinkBench.open(),
};

/** One change of one answer. */
interface Change {
  /** The number of the answer. */
  answer: number;
  kind: "byte" | "length" | "cut" | "twice" | "none" | "error" | "zero";
  at: number;
  value: number;
}

const CHANGES = fc.array(
  fc.record<Change>({
    answer: fc.nat(12),
    kind: fc.constantFrom("byte", "length", "cut", "twice", "none", "error", "zero"),
    at: fc.nat(4096),
    value: fc.oneof(
      fc.nat(255),
      fc.constantFrom(0, 1, 2, 3, 4, 15, 16, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

class NetlinkBench implements Bench {
  calls = 0;
  readonly #stage: LookStage;
  readonly #looks: readonly Look[];

  static async open(): Promise<NetlinkBench> {
    return new NetlinkBench(await LookStage.open(true));
  }

  private constructor(stage: LookStage) {
    this.#stage = stage;
    // These two look at a link that the list takes to be there.
    const looks = sourceLooks(7070).filter(({ of }) => of !== checkIsBridge && of !== saysMacsFollow);
    this.#looks = [...looks, ...kindLooks(everyStep(stage.possible)), ...readers()];
  }

  async play(name: string): Promise<string[]> {
    const property = fc.property(fc.nat(this.#looks.length - 1), CHANGES, (at, changes) => {
      this.calls += 1;
      this.#try(this.#looks[at]!, changes);
    });
    const failure = failureOf(fc.check(property, { seed: Number(name) | 0, numRuns: RUNS }));
    if (failure === undefined) return [];
    const [at, changes] = failure.smallest as [number, Change[]];
    return [`${this.#looks[at]!.name}, answers changed by ${JSON.stringify(changes)}: ${failure.why}`];
  }

  /** Throws what no reader may throw. */
  #try(look: Look, changes: Change[]): void {
    this.#stage.on((place) => {
      using _lie = lieBy(changes);
      try {
        look.look(place);
      } catch (error) {
        if (!(error instanceof SystemError) && !(error instanceof CniError)) throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stage[Symbol.dispose]();
  }
}

/**
 * Until it is disposed of, answers are changed; nothing is waited for, and the clock goes on all the same.
 */
function lieBy(changes: readonly Change[]): Disposable {
  const { recv, poll, clock_gettime } = native;
  let [answers, waited] = [0, 0];
  native.recv = (fd, buffer, flags) => {
    answers += 1;
    if (answers > MOST_ANSWERS) throw new Error(`no end after ${MOST_ANSWERS} answers`);
    const count = recv(fd, buffer, flags);
    const mine = changes.filter(({ answer }) => answer === answers - 1);
    return count <= 0 ? count : mine.reduce((length, change) => changed(buffer, length, change), count);
  };
  native.poll = (_fds, milliseconds) => {
    waited += Math.max(1, milliseconds);
    return 0;
  };
  native.clock_gettime = (clock) => clock_gettime(clock) + waited;
  return {
    [Symbol.dispose]: () => void Object.assign(native, { recv, poll, clock_gettime }),
  };
}

/** Changes an answer of `count` bytes in place; gives its new length, or an error. */
function changed(buffer: Uint8Array, count: number, { kind, at, value }: Change): number {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const place = at % count;
  switch (kind) {
    case "byte":
      buffer[place] = value;
      return count;
    case "length":
      // Headers of messages and attributes begin at multiples of four.
      if ((place & ~3) + 4 <= count) view.setUint16(place & ~3, value & 0xffff, true);
      return count;
    case "cut":
      return place;
    case "twice": {
      const length = Math.min(count, buffer.length - count);
      buffer.copyWithin(count, 0, length);
      return count + length;
    }
    case "zero":
      buffer.fill(0, place, Math.min(count, place + (value & 0xff)));
      return count;
    case "none":
      return -11;
    case "error":
      return -105;
  }
}

/** What reads answers and is no look of an ADD: lists for DEL, GC and the answers of other families. */
function readers(): Look[] {
  const list: Record<string, (place: Parameters<Look["look"]>[0]) => unknown> = {
    "addresses of the pod": ({ pod }) => listAddresses(pod.links, 2),
    "links of a kind": ({ node }) => listLinks(node.links, "bridge"),
    "ports of the bridge": ({ node }) =>
      listPorts(node.links, getLink(node.links, { name: "br0" })?.index ?? 1),
    "a bridge": ({ node }) => {
      const link = getLink(node.links, { name: "br0" });
      return link && [checkIsBridge("br0", link), saysMacsFollow(link)];
    },
    "settings of a link": ({ pod }) => getLinkTuning(pod.links, "eth0"),
    "routes, IPv4": ({ pod }) => listRoutes(pod.links, 4, {}),
    "routes, IPv6": ({ pod }) => listRoutes(pod.links, 6, {}),
    "a route": ({ node }) => lookUpRoute(node.links, address("192.0.2.1")),
    "source rules, IPv4": ({ pod }) => listSourceRules(pod.links, 4),
    "source rules, IPv6": ({ pod }) => listSourceRules(pod.links, 6),
    "token bucket": ({ pod }) => getBucket(pod.links, 2),
    redirects: ({ node }) => listRedirects(node.links, 2),
    "UDP flows, IPv4": ({ node }) => deleteUdpFlows(node.rules, { family: 4 }, () => false),
    "UDP flows, IPv6": ({ node }) => deleteUdpFlows(node.rules, { family: 6 }, () => false),
  };
  return Object.entries(list).map(([name, look]) => ({ name: `reader: ${name}`, look }));
}
