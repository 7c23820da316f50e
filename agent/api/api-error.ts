// What can go wrong between the agent and the API server, in words that say what to do.

/** The kinds of failures. `gone`: the resource version is too old, list again. */
export type ApiFailure =
  | "unreachable"
  | "tls"
  | "silent"
  | "credentials"
  | "unauthorized"
  | "forbidden"
  | "gone"
  | "busy"
  | "redirect"
  | "garbage"
  | "too-large"
  | "failed";

/** A request that failed. */
export class ApiError extends Error {
  readonly failure: ApiFailure;
  readonly status: number | undefined;
  /** The wait that the server asks for, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(
    failure: ApiFailure,
    message: string,
    { status, retryAfterMs = 0, cause }: { status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.failure = failure;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The error of an answer that is none of success. `what` names the request: "list nodes". */
export function errorOfStatus(
  what: string,
  { status, message, retryAfter }: { status: number; message: string; retryAfter: string | undefined },
): ApiError {
  const options = { status, retryAfterMs: retryAfterMs(retryAfter) };
  const told = message === "" ? "" : `: ${message}`;
  if (status === 401)
    return new ApiError(
      "unauthorized",
      `the API server does not know the agent's token (401${told}); it is read anew for each request, so look at the ServiceAccount and its mounted token`,
      options,
    );
  if (status === 403)
    return new ApiError(
      "forbidden",
      `the API server does not let the agent ${what} (403${told}); its ServiceAccount needs a ClusterRole with that verb and a ClusterRoleBinding`,
      options,
    );
  if (status === 410)
    return new ApiError("gone", `the API server no longer has that version${told}`, options);
  if (status >= 300 && status < 400)
    return new ApiError(
      "redirect",
      `the API server's address answers with a redirect (${status}), which is not followed; --api has to name the server itself`,
      options,
    );
  if (status === 429 || status === 503)
    return new ApiError("busy", `the API server has no time to ${what} (${status}${told})`, options);
  return new ApiError("failed", `the API server could not ${what} (${status}${told})`, options);
}

const MOST_RETRY_AFTER_MS = 120_000;

/** The wait of a Retry-After header (RFC 9110, 10.2.3): seconds or a date; two minutes at most. */
export function retryAfterMs(value: string | undefined, now = Date.now()): number {
  if (value === undefined) return 0;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MOST_RETRY_AFTER_MS) : 0;
}

/** The error of a connection that could not be made, or broke. */
export function errorOfConnection(error: unknown, host: string): ApiError {
  if (error instanceof ApiError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "ABORT_ERR") return new ApiError("unreachable", "the request was given up", { cause: error });
  if (isTls(code))
    return new ApiError(
      "tls",
      `the API server at ${host} does not prove itself by the cluster's CA: ${message}`,
      { cause: error },
    );
  return new ApiError("unreachable", `the API server at ${host} cannot be reached: ${message || code}`, {
    cause: error,
  });
}

function isTls(code: string): boolean {
  return /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|ERR_OSSL_|EPROTO)/.test(
    code,
  );
}
