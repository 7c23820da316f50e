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
    this.#indirect = new Set(refused.flatMap(indirectOf));
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

/** The address of a refused route, where a router is the reason. */
function indirectOf({ what, code }: Applied["refused"][number]): string[] {
  const [, via] = /^route \S+ via (\S+)$/.exec(what) ?? [];
  return via !== undefined && code === "noDirectWay" ? [via] : [];
}
