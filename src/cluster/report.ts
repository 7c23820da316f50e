// What an apply has done, and what it could not do.
import { asCniError, sentencesOf } from "../failure/failure.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import type { SystemError } from "../sys/errno.ts";
import { errnoName } from "../sys/errno.ts";

export type Action = "added" | "changed" | "removed";

/** A thing that is to become as wished, with the requests for it. */
export interface Change {
  /** The thing in words: `route 10.244.2.0/24 via 10.90.0.12`. */
  what: string;
  action: Action;
  messages: Message[];
  /** The code where the kernel has something of another program in this place. */
  inPlace?: Code;
}

/** The kinds of refusals and notes, for programs. docs/node.md has them as a table, and they stay. */
export const CODES = [
  "noDirectWay",
  "noWay",
  "foreignRoute",
  "ownSubnet",
  "noUplink",
  "foreignDevice",
  "kernelRefused",
  "foreignConflist",
  "firstConflist",
  "inUse",
  "heldLock",
  "notForwarding",
  "notReady",
  "failed",
] as const;

export type Code = (typeof CODES)[number];

/** A thing that is not as wished, and why. */
export interface Refusal {
  what: string;
  code: Code;
  reason: string;
}

/** A sentence about a thing that was left alone, without its full stop. */
export interface Note {
  code: Code;
  text: string;
}

/** The work of one apply. With `isDryRun` nothing is done, and changes are those that would be made. */
export class Report {
  readonly changed: Pick<Change, "what" | "action">[] = [];
  readonly refused: Refusal[] = [];
  readonly notes: Note[] = [];
  readonly isDryRun: boolean;

  constructor(isDryRun: boolean) {
    this.isDryRun = isDryRun;
  }

  refuse(what: string, code: Code, reason: string): void {
    this.refused.push({ what, code, reason });
  }

  note(code: Code, text: string): void {
    this.notes.push({ code, text });
  }

  /** Sends the requests of all changes at once; a change that the kernel refuses stops no other. */
  carryOut(socket: NetlinkSocket, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const outcomes = this.isDryRun ? [] : socket.transact(changes.flatMap(({ messages }) => messages));
    let next = 0;
    for (const { what, action, messages, inPlace = "kernelRefused" } of changes) {
      const own = outcomes.slice(next, (next += messages.length));
      const error = own.find(({ errno }) => errno !== 0)?.error;
      if (error === undefined) this.changed.push({ what, action });
      else if (isTaken(error)) this.refuse(what, inPlace, "another program has one of its own in this place");
      else this.refuse(what, "kernelRefused", reasonOf(error));
    }
  }

  /** Does one thing that is no request of rtnetlink. True when it was done, or would be. */
  attempt({ what, action }: Pick<Change, "what" | "action">, act: () => void): boolean {
    return this.part(what, () => {
      if (!this.isDryRun) act();
      this.changed.push({ what, action });
    });
  }

  /** Runs a part of the work; its error is a refusal of `what`. True when there was none. */
  part(what: string, act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      this.refuse(what, "failed", sentencesOf([asCniError(error)]).join("; "));
      return false;
    }
  }
}

function isTaken({ errno, kernelText }: SystemError): boolean {
  return errnoName(errno) === "EEXIST" && kernelText === "";
}

/** What an errno without a text of the kernel means here. */
const MEANINGS: Record<string, string> = {
  EADDRINUSE: "another program, or a tunnel of another kind, has its UDP port",
};

function reasonOf({ errno, kernelText }: SystemError): string {
  const name = errnoName(errno);
  const meaning = kernelText || MEANINGS[name];
  return meaning === undefined
    ? `the kernel refuses it: ${name}`
    : `the kernel refuses it: ${name} (${meaning})`;
}
