// The kernel's answers to requests, and its refusals as SystemError with the kernel's text.
import { u32At } from "../sys/bytes.ts";
import { SystemError } from "../sys/errno.ts";
import { type Reply, readAttributes } from "./reader.ts";
import * as nl from "./uapi/netlink.ts";

/** The kernel's answer to one request: messages, or the refusal. */
export class Outcome {
  readonly replies: Reply[] = [];
  private readonly what: string;
  private refusal: Reply | undefined;

  constructor(what: string) {
    this.what = what;
  }

  /**
   * The error number of the refusal, for callers that expect a refusal; 0 when there is none.
   */
  get errno(): number {
    return this.refusal === undefined ? 0 : errnoOf(this.refusal);
  }

  /** The refusal, with the kernel's own sentence. */
  get error(): SystemError | undefined {
    return this.refusal === undefined ? undefined : readError(this.refusal, this.what);
  }

  /** Notes an answer of the kernel; of several refusals the first counts. */
  add(reply: Reply): void {
    if (reply.type !== nl.NLMSG_ERROR) this.replies.push(reply);
    else if (errnoOf(reply) !== 0) this.refusal ??= reply;
  }
}

/** The error number in an NLMSG_ERROR or NLMSG_DONE message; 0 for a plain acknowledgement. */
function errnoOf({ payload }: Reply): number {
  return payload.length < 4 ? 0 : -(u32At(payload, 0) | 0);
}

/**
 * The refusal in an NLMSG_ERROR or NLMSG_DONE message, with the kernel's own sentence; undefined for a plain
 * acknowledgement.
 */
export function readError(reply: Reply, what: string): SystemError | undefined {
  const code = errnoOf(reply);
  if (code === 0) return undefined;
  // NLMSG_ERROR repeats the request's header, and all of its payload unless it says that it was capped.
  const header = reply.type === nl.NLMSG_ERROR ? 4 + nl.NLMSG_HDRLEN : 4;
  const hasText = (reply.flags & nl.NLM_F_ACK_TLVS) !== 0 && (reply.flags & nl.NLM_F_CAPPED) !== 0;
  const text =
    hasText || reply.type === nl.NLMSG_DONE
      ? readAttributes(reply.payload, header).string(nl.NLMSGERR_ATTR_MSG)
      : undefined;
  return new SystemError(what, code, text ?? "");
}
