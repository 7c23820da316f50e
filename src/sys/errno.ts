// Error numbers of the kernel by name (asm-generic/errno-base.h, errno.h), and the error that carries one.

/** The error numbers that Pontoon meets or asks for; a test compares them with the C header. */
export const errnoTable = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  ELOOP: 40,
  EXFULL: 54,
  ELIBBAD: 80,
  EMSGSIZE: 90,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
  EDQUOT: 122,
} as const;

export type ErrnoName = keyof typeof errnoTable;

/** The error number of that name. */
export function errnoOf(name: ErrnoName): number {
  return errnoTable[name];
}

/** The kernel's name of an error number, or `errno N` for one that is not in the table. */
export function errnoName(code: number): string {
  for (const [name, known] of Object.entries(errnoTable)) if (known === code) return name;
  return `errno ${code}`;
}

/**
 * A system call or kernel request that failed: the operation, the error number, and the kernel's own sentence
 * if it gave one.
 */
export class SystemError extends Error {
  readonly operation: string;
  readonly errno: number;
  readonly kernelText: string;

  constructor(operation: string, code: number, kernelText = "") {
    super(`${operation}: ${errnoName(code)}${kernelText === "" ? "" : ` (${kernelText})`}`);
    this.name = "SystemError";
    this.operation = operation;
    this.errno = code;
    this.kernelText = kernelText;
  }
}

/** True when `error` is a SystemError with one of the named error numbers. */
export function isErrno(error: unknown, ...wanted: ErrnoName[]): boolean {
  if (!(error instanceof SystemError)) return false;
  for (const name of wanted) if (errnoOf(name) === error.errno) return true;
  return false;
}

/** The result of `look`; `instead` where the system refuses it. */
export function unlessRefused<Found, Instead>(look: () => Found, instead: Instead): Found | Instead {
  try {
    return look();
  } catch (error) {
    if (error instanceof SystemError) return instead;
    throw error;
  }
}

/** What `look` lists; nothing where the system refuses it. */
export function orNone<T>(look: () => T[]): T[] {
  return unlessRefused(look, []);
}

/** Gives the result of a native function; throws a SystemError for `operation` when it is `-errno`. */
export function check(result: number, operation: string): number {
  if (result < 0) throw new SystemError(operation, -result);
  return result;
}
