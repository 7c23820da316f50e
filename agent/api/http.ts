// Requests to the API server over node:https. Each reads the credentials anew, is checked against the
// cluster's CA, follows no redirect, and ends when no byte comes for too long.
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { ApiError, errorOfConnection, errorOfStatus } from "./api-error.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { linesOf } from "./lines.ts";
import { ListSplitter } from "./list-splitter.ts";

/** Where the API server is, and whose credentials are used. */
export interface ApiPlace {
  url: URL;
  /** The folder with `token` and `ca.crt`. */
  serviceAccount: string;
  userAgent: string;
}

/** A request. */
export interface ApiRequest {
  /** In words, behind "could not": "list nodes". */
  what: string;
  method?: "GET" | "POST" | "PATCH";
  path: string;
  query?: Record<string, string | number | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
  /** The longest time without a byte from the server. */
  silenceMs?: number;
  /** The longest time until the answer is whole; a stream has none. */
  limitMs?: number;
}

const SILENCE_MS = 30_000;
const LIMIT_MS = 120_000;
const KEEP_ALIVE_MS = 15_000;
const MOST_OF_ERROR = 64 << 10;
/** Answers that are no lists are small. */
const MOST_OF_BODY = 4 << 20;
/** An object in etcd has 1.5 MB at most; as JSON it may be larger. */
const MOST_OF_LINE = 8 << 20;

/** The API server, as one node's agent sees it. */
export class Api {
  readonly #place: ApiPlace;
  #connections: { ca: string; agent: Agent } | undefined;

  constructor(place: ApiPlace) {
    this.#place = place;
  }

  /** The JSON of an answer. Throws ApiError. */
  json(wanted: ApiRequest): Promise<unknown> {
    return this.#withinLimit(wanted, async (bounded) => {
      const response = await this.#open(bounded);
      const text = await this.#received(response, () => bodyOf(response, MOST_OF_BODY));
      return parseJson(text);
    });
  }

  /**
   * Reads a list: hands each of its `items` to `take` as it comes, and gives the JSON of the rest. So a page
   * needs the memory of one object. Throws ApiError.
   */
  list(wanted: ApiRequest, take: (item: unknown) => void): Promise<unknown> {
    return this.#withinLimit(wanted, async (bounded) => {
      const response = await this.#open(bounded);
      return this.#received(response, async () => {
        const splitter = new ListSplitter((text) => take(parseJson(text)), MOST_OF_LINE);
        for await (const part of response as AsyncIterable<Buffer>) splitter.write(part);
        if (!response.complete) throw new Error("the answer ended early");
        return parseJson(splitter.end());
      });
    });
  }

  /**
   * The values of an answer with one JSON text a line, as they come; `opened` hears that the answer begins.
   * Throws ApiError.
   */
  async *stream(wanted: ApiRequest & { opened?: () => void }): AsyncGenerator<unknown> {
    const response = await this.#open(wanted);
    wanted.opened?.();
    const lines = linesOf(response, MOST_OF_LINE);
    try {
      for (;;) {
        const { value, done } = await this.#received(response, () => lines.next());
        if (done === true) return;
        yield parseJson(value);
      }
    } finally {
      response.destroy();
    }
  }

  /** A server may send a byte now and then, and never come to an end. */
  async #withinLimit<T>(wanted: ApiRequest, act: (bounded: ApiRequest) => Promise<T>): Promise<T> {
    const { signal, limitMs = LIMIT_MS } = wanted;
    const limit = AbortSignal.timeout(limitMs);
    try {
      return await act({ ...wanted, signal: AbortSignal.any([signal, limit]) });
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error;
      throw new ApiError("silent", `the API server's answer was not whole within ${limitMs} ms`, {
        cause: error,
      });
    }
  }

  async #received<T>(response: IncomingMessage, receive: () => Promise<T>): Promise<T> {
    try {
      return await receive();
    } catch (error) {
      response.destroy();
      if (error instanceof RangeError) throw new ApiError("too-large", error.message, { cause: error });
      throw errorOfConnection(error, this.#place.url.host);
    }
  }

  async #open(wanted: ApiRequest): Promise<IncomingMessage> {
    const credentials = await readCredentials(this.#place.serviceAccount);
    let response: IncomingMessage;
    try {
      response = await this.#send(wanted, credentials);
    } catch (error) {
      throw errorOfConnection(error, this.#place.url.host);
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const text = await bodyOf(response, MOST_OF_ERROR).catch(() => "");
    response.destroy();
    throw errorOfStatus(wanted.what, {
      status,
      message: messageOf(text),
      retryAfter: response.headers["retry-after"],
    });
  }

  #send(wanted: ApiRequest, { token, ca }: Credentials): Promise<IncomingMessage> {
    const { method = "GET", body, contentType = "application/json", signal } = wanted;
    const { silenceMs = SILENCE_MS } = wanted;
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((done, fail) => {
      const sent = request(this.#urlOf(wanted), {
        method,
        agent: this.#agentFor(ca),
        signal,
        timeout: silenceMs,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${token}`,
          "user-agent": this.#place.userAgent,
          ...(bytes && { "content-type": contentType, "content-length": bytes.length }),
        },
      });
      let answer: IncomingMessage | undefined;
      sent.on("response", (response) => {
        answer = response;
        done(response);
      });
      sent.on("timeout", () => {
        const error = new ApiError("silent", `the API server said nothing for ${silenceMs} ms`);
        answer?.destroy(error);
        sent.destroy(error);
      });
      sent.on("error", fail);
      sent.end(bytes);
    });
  }

  /** Connections are made with the CA of their time: another CA means other connections. */
  #agentFor(ca: string): Agent {
    if (this.#connections?.ca !== ca) {
      this.#connections?.agent.destroy();
      const agent = new Agent({
        ca,
        // Else NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would give the token to anybody.
        rejectUnauthorized: true,
        keepAlive: true,
        keepAliveMsecs: KEEP_ALIVE_MS,
        maxFreeSockets: 1,
      });
      this.#connections = { ca, agent };
    }
    return this.#connections.agent;
  }

  #urlOf({ path, query = {} }: ApiRequest): URL {
    const url = new URL(this.#place.url);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    for (const [key, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(key, String(value));
    return url;
  }
}

async function bodyOf(response: IncomingMessage, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > most) throw new RangeError(`the answer is longer than ${most} bytes`);
  }
  if (!response.complete) throw new Error("the answer ended early");
  return Buffer.concat(parts).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw garbage(text, error);
  }
}

function garbage(text: string, cause: unknown): ApiError {
  const start = text.slice(0, 60);
  return new ApiError(
    "garbage",
    `the API server's address answered with no JSON, but with ${JSON.stringify(start)}`,
    {
      cause,
    },
  );
}

/** The sentence of a Status object of the API; "" without one. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 500) : "";
  } catch {
    return "";
  }
}
