// The line of a call in the log that the configuration asks for.
import { programVersion } from "../cni/about.ts";
import { podInArgs } from "../cni/environment.ts";
import type { CniError } from "../cni/error.ts";
import { asciiJson } from "../cni/json.ts";
import { type LogConfig, logOf } from "../cni/log-config.ts";
import { epochMs, utcText } from "../sys/clock.ts";
import { SystemError } from "../sys/errno.ts";
import { waitedMs } from "../sys/flock.ts";
import { appendLine } from "../sys/log-file.ts";
import { keepPhases, phaseTimes } from "../sys/phase.ts";

/** The environment of a call, as the runtime gave it. */
type Env = Record<string, string | undefined>;

/** The log of one call; nothing is kept or written where the configuration asks for none. */
export class Journal {
  private readonly env: Env;
  private readonly notices: string[] = [];
  private config: LogConfig | undefined;

  constructor(env: Env) {
    this.env = env;
  }

  /**
   * Reads the configuration for its key `log`, and keeps times from now on where there is one. Gives the
   * text.
   */
  begin(text: string): string {
    this.config = logOf(text);
    if (this.config !== undefined) keepPhases("read", this.config.level === "debug");
    return text;
  }

  /** Notes sentences of the call for its line. Gives them again. */
  note(sentences: readonly string[]): readonly string[] {
    if (this.config !== undefined) this.notices.push(...sentences);
    return sentences;
  }

  /**
   * Writes the line of the call. Gives a sentence for the runtime's log when the file cannot be written: a
   * log is never a reason to fail.
   */
  end(failure: CniError | undefined): string[] {
    const { config } = this;
    if (config === undefined || (config.level === "error" && failure === undefined)) return [];
    try {
      appendLine(config.file, asciiJson(this.lineOf(failure)));
      return [];
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return [`the log ${JSON.stringify(config.file)} cannot be written: ${error.message}`];
    }
  }

  private lineOf(failure: CniError | undefined): unknown {
    const {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId,
      CNI_IFNAME,
      CNI_NETNS: netns,
      CNI_ARGS,
    } = this.env;
    return {
      time: utcText(epochMs()),
      pontoon: programVersion(),
      verb,
      network: this.config?.network,
      pod: podInArgs(CNI_ARGS ?? ""),
      containerId,
      interface: CNI_IFNAME,
      netns,
      outcome: failure === undefined ? "ok" : "error",
      code: failure?.code,
      message: failure?.message,
      details: failure?.details || undefined,
      notices: this.notices.length === 0 ? undefined : this.notices,
      ms: { ...phaseTimes(), waited: waitedMs() },
    };
  }
}
