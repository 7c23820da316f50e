// A difference between a step and what is there, and the command that mends it.
import type { Pod } from "./pod.ts";

/** A difference. */
export interface Difference {
  /** One sentence, without its full stop. */
  sentence: string;
  /** A shell command that mends it, for root on the node; undefined: no single command does. */
  cure: string | undefined;
  /** True: a restore mends it, too. */
  isRestorable: boolean;
  /** True: nothing is lost by it as things are. */
  isHarmless?: boolean;
}

/** The command that puts back what a restore can put back. */
export const RESTORE = "pontoon restore";

/** A difference that `command` mends. */
export function curable(sentence: string, command: string): Difference {
  return { sentence, cure: command, isRestorable: false };
}

/** A difference that a restore mends, and `command` alone as well. */
export function restorable(sentence: string, command = RESTORE): Difference {
  return { sentence, cure: command, isRestorable: true };
}

/** A difference that no command mends: the pod has to be made anew, or a person has to decide. */
export function incurable(sentence: string): Difference {
  return { sentence, cure: undefined, isRestorable: false };
}

/** The command that runs another one in the pod's network namespace. */
export function inPod({ path }: Pick<Pod, "path">, command: string): string {
  return `nsenter --net=${shellWord(path)} ${command}`;
}

/** A text as one word of a shell command. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command that gives a setting below /proc/sys/net a value; its name is written with slashes. */
export function sysctlCommand(name: string, value: string): string {
  return `sysctl -w ${shellWord(`net/${name}=${value}`)}`;
}
