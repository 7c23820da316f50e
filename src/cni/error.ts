// The failures of a call, and how the runtime is told of them. Codes up to 99 are those of the CNI
// specification 1.1.0, "Error" and "Well-known error codes"; those of Pontoon start at 100, in tens by
// subject.
import { traceOf } from "./trace.ts";

/**
 * The table of kinds: the code a runtime sees and the title its message starts with. docs/errors.md explains
 * each.
 */
export const errorKinds = {
  incompatibleVersion: { code: 1, title: "incompatible CNI versions" },
  unsupportedField: { code: 2, title: "unsupported field in network configuration" },
  badEnvironment: { code: 4, title: "invalid environment" },
  ioFailure: { code: 5, title: "I/O failure" },
  undecodable: { code: 6, title: "cannot decode content" },
  invalidConfig: { code: 7, title: "invalid network config" },
  invalidNamespace: { code: 8, title: "invalid network namespace" },
  tryAgainLater: { code: 11, title: "try again later" },
  notAvailable: { code: 50, title: "cannot serve ADD requests" },
  limitedConnectivity: { code: 51, title: "limited connectivity" },

  poolExhausted: { code: 100, title: "no address left" },
  duplicateAttachment: { code: 101, title: "attachment exists already" },
  leaseStore: { code: 102, title: "lease store failure" },
  recordStore: { code: 103, title: "attachment record failure" },

  bridge: { code: 110, title: "bridge cannot be used" },
  bridgeAddress: { code: 111, title: "bridge address cannot be set" },
  bridgePort: { code: 112, title: "bridge port does not forward" },

  link: { code: 120, title: "interface cannot be set up" },
  interfaceExists: { code: 121, title: "interface exists already in the pod" },
  address: { code: 122, title: "address cannot be set" },
  route: { code: 123, title: "route cannot be set" },
  bandwidth: { code: 124, title: "bandwidth cannot be limited" },
  wire: { code: 125, title: "wire cannot be joined" },
  device: { code: 126, title: "device cannot be taken" },

  rules: { code: 130, title: "packet rules cannot be set" },
  hostPort: { code: 131, title: "host port cannot be used" },
  sysctl: { code: 140, title: "kernel setting cannot be made" },
  checkFailed: { code: 150, title: "attachment is not as it was made" },
  cleanup: { code: 160, title: "clean-up is not complete" },
  ipamPlugin: { code: 170, title: "IPAM plugin failed" },

  internal: { code: 999, title: "internal error" },
} as const;

export type ErrorKind = keyof typeof errorKinds;

/** A mistake in a configuration. */
export interface Problem {
  /** The key path, as in `ipam.ranges[0][0].subnet`; empty for the configuration as a whole. */
  path: string;
  /** A sentence that begins with the path. */
  text: string;
  /** The place of the first wrong character in a text that is no JSON. */
  offset?: number;
  /** One sentence that starts with a verb, where the text does not say what to do. */
  hint?: string | undefined;
}

export interface ErrorParts {
  /** The subject of the title: the value, path or object in question. */
  about?: string | undefined;
  /** The operation that failed. */
  attempted?: string | undefined;
  /** The reason of the failure: an error number's name and the kernel's text, or a plain reason. */
  cause?: string | undefined;
  /** One sentence that starts with a verb: what the reader can do now. */
  hint?: string | undefined;
  /** The objects that rollback could not remove. */
  notUndone?: string[] | undefined;
  /** The code, where Pontoon passes on another plugin's error. */
  code?: number | undefined;
  /** The whole `msg`, where runtimes and scripts know the reference's wording. */
  message?: string | undefined;
  /**
   * The `details`, where runtimes and scripts know the reference's wording; of the other parts only
   * `notUndone` comes behind.
   */
  details?: string | undefined;
  /** All mistakes of the configuration, where the error is about those. */
  problems?: readonly Problem[] | undefined;
  /** The key path that the error is about, where that is a single one. */
  path?: string | undefined;
}

/** A failure of the call, in the form in which the runtime is told of it. */
export class CniError extends Error {
  readonly kind: ErrorKind;
  readonly parts: ErrorParts;

  constructor(kind: ErrorKind, parts: ErrorParts = {}, options?: ErrorOptions) {
    const { title } = errorKinds[kind];
    super(parts.message ?? (parts.about === undefined ? title : `${title}: ${parts.about}`), options);
    this.name = "CniError";
    this.kind = kind;
    this.parts = parts;
  }

  get code(): number {
    return this.parts.code ?? errorKinds[this.kind].code;
  }

  /**
   * The `details` text: operation, cause, objects that stayed, hint. Empty when all of these are absent.
   */
  get details(): string {
    const { attempted, cause, notUndone, hint, details } = this.parts;
    if (details !== undefined && notUndone === undefined) return details;
    const sentences: string[] = details === undefined || details === "" ? [] : [ended(details)];
    if (attempted !== undefined) sentences.push(ended(attempted));
    if (cause !== undefined) sentences.push(ended(`Cause: ${cause}`));
    if (notUndone !== undefined && notUndone.length > 0)
      sentences.push(ended(`Not undone: ${notUndone.join("; ")}`));
    if (hint !== undefined) sentences.push(ended(`Hint: ${hint}`));
    return sentences.join(" ");
  }

  /**
   * This failure as an error that also names what rollback could not remove. New names follow those that the
   * error has already; without new names the answer is this error itself.
   */
  withNotUndone(notUndone: string[]): CniError {
    if (notUndone.length === 0) return this;
    return new CniError(
      this.kind,
      { ...this.parts, notUndone: [...(this.parts.notUndone ?? []), ...notUndone] },
      { cause: this },
    );
  }

  /**
   * This failure as a person is told of it: an error in our own words that has no hint names the command that
   * explains its code. To the wording of the reference, or of another plugin, nothing is added.
   */
  explained(): CniError {
    const { message, details, code, hint } = this.parts;
    if ([message, details, code, hint].some((part) => part !== undefined)) return this;
    const explanation = `See "pontoon explain ${this.code}"`;
    return new CniError(this.kind, { ...this.parts, hint: explanation }, { cause: this });
  }

  /**
   * The error object of the specification as text, for an error that is {@link explained}. `details` is left
   * out when empty.
   */
  toJson(cniVersion: string): string {
    const { code, message, details } = this.explained();
    return JSON.stringify(
      { cniVersion, code, msg: message, ...(details === "" ? {} : { details }) },
      undefined,
      4,
    );
  }
}

/** Any thrown value as a CniError; a value that is no CniError is a bug of Pontoon: code 999. */
export function toCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  const about = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const trace = traceOf(error);
  const attempted = trace.length === 0 ? undefined : `Happened in ${trace.join(", called by ")}`;
  return new CniError("internal", { about, attempted, hint: hintOf(error) }, { cause: error });
}

/**
 * The hint for an error that is no CniError. A call that meets a limit of its caller's is no bug; the engine
 * tells it by these messages.
 */
function hintOf(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (message === "out of memory")
    return "Give the plugin more memory (ulimit -v), or send a smaller configuration";
  if (message.startsWith("Maximum call stack size exceeded"))
    return "Give the plugin a larger stack (ulimit -s)";
  return "Report this as a bug of pontoon, with the network configuration";
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
