// The way from a refusal of the kernel to the error for the runtime.
import { CniError, type ErrorKind, toCniError } from "../cni/error.ts";
import { type ErrnoName, errnoName, errnoOf, SystemError } from "../sys/errno.ts";

/** The hint for an error number that means the same everywhere; undefined without one. */
function hintOf(name: string): string | undefined {
  const hints: Partial<Record<ErrnoName, string>> = {
    EPERM: "Run the runtime as root with CAP_NET_ADMIN in the host's network namespace",
    EACCES: "Run the runtime as root with CAP_NET_ADMIN in the host's network namespace",
    EOPNOTSUPP: "Load the kernel modules bridge, veth and nf_tables, or use a kernel that has them",
    EPROTONOSUPPORT: "Load the kernel modules nfnetlink and nf_tables, or use a kernel that has them",
    EAFNOSUPPORT: "Switch IPv6 on in the kernel, or take the IPv6 ranges out of the configuration",
    EXFULL: "Use a second network with another bridge: a Linux bridge has at most 1,023 ports",
    EROFS: "Mount the file system writable for the runtime",
    ENOSPC: "Free some disk space",
    EMFILE: "Raise the limit of open files (ulimit -n)",
    ENOBUFS: "Give the node more memory",
    ENOMEM: "Give the node more memory",
  };
  return hints[name as ErrnoName];
}

/**
 * Runs `action`; a SystemError from it becomes a CniError of `kind` about `about`, with `hint` where that has
 * something to say. An ADD gives a text that has to be made as a function, since it rarely needs it.
 */
// biome-ignore lint/complexity/useMaxParams: hundreds of calls have three, and a hint is a rare addition.
export function attempt<T>(
  kind: ErrorKind,
  about: string | (() => string),
  action: () => T,
  hint?: string | ((error: SystemError) => string | undefined),
): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const subject = typeof about === "string" ? about : about();
    throw explain(kind, subject, error, typeof hint === "function" ? hint(error) : hint);
  }
}

/**
 * The hint for a refused address. The operation names the address; a colon stands in IPv6 addresses alone.
 */
export function addressHint({ errno, operation }: SystemError): string | undefined {
  if (!operation.includes(":")) return undefined;
  // Missing rights are EPERM; EACCES is a link with disable_ipv6, EOPNOTSUPP a kernel started with
  // ipv6.disable=1.
  if (errno === errnoOf("EACCES") || errno === errnoOf("EOPNOTSUPP")) return hintOf("EAFNOSUPPORT");
  return errno === errnoOf("EINVAL")
    ? "Give bridge and pods an MTU of 1280 at least; IPv6 does not work on a link with less"
    : undefined;
}

/** A file that a person names cannot be read: why, in plain words. */
export function unreadable(path: string, error: SystemError): CniError {
  const name = errnoName(error.errno);
  const words: Partial<Record<ErrnoName, string>> = {
    ENOENT: "there is no such file",
    EISDIR: "it is a folder",
    EACCES: "this user may not read it",
  };
  const reason = words[name as ErrnoName] ?? name;
  return new CniError("ioFailure", { message: `${path} cannot be read: ${reason}` }, { cause: error });
}

/** Any thrown value as a CniError: a SystemError becomes an I/O failure, any other value a bug of Pontoon. */
export function asCniError(error: unknown): CniError {
  return error instanceof SystemError ? explain("ioFailure", error.operation, error) : toCniError(error);
}

/** Tries every part, in order; gives the errors of the parts that failed. */
export function collectErrors(parts: (() => void)[]): CniError[] {
  const errors: CniError[] = [];
  for (const part of parts) {
    try {
      part();
    } catch (error) {
      errors.push(asCniError(error));
    }
  }
  return errors;
}

/** Tries every part, in order; gives a sentence for each part that failed. */
export function tryAll(parts: (() => void)[]): string[] {
  return sentencesOf(collectErrors(parts));
}

/**
 * Throws these errors as one, if there are any: the first, with sentences of the others in its cause. "Try
 * again later" (code 11) comes first where it is alone: it promises that waiting is enough.
 */
export function throwJoined(errors: readonly CniError[]): void {
  const first = errors.find(({ kind }) => kind !== "tryAgainLater") ?? errors[0];
  if (first !== undefined) throw joined(first, errors);
}

/** One of these errors, with sentences of the others in its cause. */
export function joined(first: CniError, errors: readonly CniError[]): CniError {
  const others = sentencesOf(errors.filter((error) => error !== first));
  if (others.length === 0) return first;
  const also = `also: ${others.join("; ")}`;
  const cause = first.parts.cause === undefined ? also : `${first.parts.cause}; ${also}`;
  return new CniError(first.kind, { ...first.parts, cause }, { cause: first });
}

/** A sentence for each error, without a final full stop: callers join sentences by semicolons. */
export function sentencesOf(errors: readonly CniError[]): string[] {
  return errors.map(({ message, details }) =>
    details === "" ? message : `${message}: ${details.endsWith(".") ? details.slice(0, -1) : details}`,
  );
}

/** The failure of an ADD whose interface was taken away while it ran. */
export function vanished(name: string): CniError {
  return new CniError("tryAgainLater", {
    about: `${name} was deleted meanwhile`,
    hint: "Run ADD again; a DEL for the same container, or something else on this node, took the interface away",
  });
}

/**
 * A SystemError as a CniError: the operation, the error number's name and the kernel's text, what to do.
 */
// biome-ignore lint/complexity/useMaxParams: it has the parts that attempt() has.
export function explain(
  kind: ErrorKind,
  about: string,
  error: SystemError,
  hint = hintOf(errnoName(error.errno)),
): CniError {
  const cause = `${errnoName(error.errno)}${error.kernelText === "" ? "" : ` (${error.kernelText})`}`;
  const attempted = about === error.operation ? undefined : `Tried to ${error.operation}`;
  return new CniError(kind, { about, attempted, cause, hint }, { cause: error });
}
