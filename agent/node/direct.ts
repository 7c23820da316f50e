// Which nodes need no router: the kernel of this node says it, by a dry run of the executable.
import type { Wish } from "../cluster/wish.ts";
import { giveBackMemory } from "../memory.ts";
import type { Applied, Executable } from "./executable.ts";

/** The answers of the kernel. They are kept until the nodes change or the node's own links or routes do. */
export class DirectWays {
  readonly #executable: Executable;
  #question = "";
  /** How often the answers were to be forgotten. */
  #forgotten = 0;
  #isFresh = false;
  #indirect = new Set<string>();
  /** The addresses that were asked for. */
  #asked = new Set<string>();

  constructor(executable: Executable) {
    this.#executable = executable;
  }

  /** Asks for the routes of the probe, where that is another than before. Throws ExecutableError. */
  async ask(probe: Wish): Promise<void> {
    const question = JSON.stringify(probe);
    this.#isFresh = question !== this.#question;
    if (!this.#isFresh) return;
    const forgotten = this.#forgotten;
    const { refused } = await this.#executable.apply(probe, { isDryRun: true });
    const addresses = [...new Set(probe.routes.map(({ via }) => via))];
    const [byRouter, lost] = (["noDirectWay", "noWay"] as const).map((code) => refusedBy(code, refused));
    // While the uplink is down nobody can say where the others are: they are where they were.
    const wasIndirect = (address: string): boolean => !this.#asked.has(address) || !this.isDirect(address);
    this.#indirect = new Set(
      addresses.filter((each) => byRouter!.has(each) || (lost!.has(each) && wasIndirect(each))),
    );
    this.#asked = new Set(addresses);
    // What changed meanwhile may have come too late for this answer.
    this.#question = forgotten === this.#forgotten ? question : "";
    giveBackMemory();
  }

  /** True where the kernel was asked by the last `ask`, and not before. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  /** The kernel may answer otherwise now. */
  forget(): void {
    this.#forgotten += 1;
    this.#question = "";
  }

  isDirect(address: string): boolean {
    return !this.#indirect.has(address);
  }
}

/** The addresses of the routes that were refused by this code. */
function refusedBy(wanted: string, refused: Applied["refused"]): Set<string> {
  return new Set(
    refused.flatMap(({ what, code }) => {
      const [, via] = /^route \S+ via (\S+)$/.exec(what) ?? [];
      return via !== undefined && code === wanted ? [via] : [];
    }),
  );
}
