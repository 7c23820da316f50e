// A simulated API server: real TLS, real chunked streams, Node objects that tests change. It lists by pages
// and watches from a version, with bookmarks, as kube-apiserver does; tests lay faults over it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate, type ServerCertificate } from "./kube-certificate.ts";

/** A Node object, as far as tests set it. */
export interface NodeSpec {
  name: string;
  uid?: string;
  created?: string;
  podCIDRs?: string[];
  internalIPs?: string[];
  /** Anything more, as a real object has. */
  more?: object;
}

/** A request as it came. */
export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  token: string | undefined;
  body: string;
}

/** A fault: answers a request itself, and says so by true. */
export type Fault = (seen: Seen, response: ServerResponse) => boolean;

interface HistoryEvent {
  version: number;
  line: string;
}

/** The server. */
export class KubeApi implements AsyncDisposable {
  /** All requests, the oldest first. */
  readonly seen: Seen[] = [];
  /** The only token that is known. */
  token = "token-1";
  fault: Fault | undefined;
  /** True: watches hear nothing. */
  isMute = false;
  /** Watches from before this version are too old. */
  oldest = 0;
  readonly folder = mkdtempSync(join(tmpdir(), "kube-api-"));
  #certificate: ServerCertificate;
  #server: Server | undefined;
  readonly #objects = new Map<string, { version: number; object: object }>();
  readonly #history: HistoryEvent[] = [];
  readonly #watches = new Set<ServerResponse>();
  #version = 1000;
  #port = 0;
  #address: string;

  constructor(address = "127.0.0.1") {
    this.#address = address;
    this.#certificate = makeCertificate([address]);
    this.writeAccount();
  }

  get url(): string {
    return `https://${this.#address.includes(":") ? `[${this.#address}]` : this.#address}:${this.#port}`;
  }

  /** The number of watches that are open. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Requests with `path` and, for watches, `watch`. */
  count(kind: "list" | "watch"): number {
    return this.seen.filter(
      ({ path, query }) => path === "/api/v1/nodes" && query.has("watch") === (kind === "watch"),
    ).length;
  }

  /** Listens. `inside` calls its action where the socket is to be: in a network namespace. */
  async start(inside: (action: () => void) => void = (action) => action()): Promise<void> {
    const { key, cert } = this.#certificate;
    const server = createServer({ key, cert }, (request, response) => void this.#answer(request, response));
    this.#server = server;
    const listening = new Promise((done) => server.once("listening", done));
    // Without an address Node makes the socket within the call; with one it looks the name up first.
    inside(() => server.listen(this.#port));
    await listening;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends the server and all its connections; `start` makes it again at the same port. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
    this.#watches.clear();
  }

  /** Writes token and CA as kubelet mounts them. */
  writeAccount({
    token = this.token,
    ca = this.#certificate.ca,
  }: {
    token?: string;
    ca?: string;
  } = {}): void {
    writeFileSync(join(this.folder, "token"), token);
    writeFileSync(join(this.folder, "ca.crt"), ca);
  }

  /** Another CA and another certificate of the server from the next start on. */
  renewCertificate(): void {
    this.#certificate = makeCertificate([this.#address]);
  }

  /** Adds or changes a node. */
  put(spec: NodeSpec): void {
    const version = ++this.#version;
    const known = this.#objects.has(spec.name);
    const object = objectOf(spec, version);
    this.#objects.set(spec.name, { version, object });
    this.#tell(version, { type: known ? "MODIFIED" : "ADDED", object });
  }

  remove(name: string): void {
    const found = this.#objects.get(name);
    if (found === undefined) return;
    this.#objects.delete(name);
    const version = ++this.#version;
    this.#tell(version, {
      type: "DELETED",
      object: {
        ...found.object,
        metadata: { ...(found.object as { metadata: object }).metadata, resourceVersion: `${version}` },
      },
    });
  }

  /** Sends a bookmark to all watches; gives its version, which goes on as by changes of other objects. */
  bookmark(): number {
    this.#version += 10;
    this.#send(
      `${JSON.stringify({ type: "BOOKMARK", object: { kind: "Node", metadata: { resourceVersion: `${this.#version}` } } })}\n`,
    );
    return this.#version;
  }

  /** Versions of before now are too old from now on. */
  compact(): void {
    this.oldest = ++this.#version;
  }

  /** Sends bytes to all watches as they are. */
  sendRaw(bytes: string | Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes);
  }

  /** Ends all watches in order, as at their time. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #tell(version: number, event: object): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#history.push({ version, line });
    this.#send(line);
  }

  #send(line: string): void {
    if (this.isMute) return;
    for (const watch of this.#watches) watch.write(line);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? "/", this.url);
    const seen: Seen = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      token: request.headers.authorization?.replace("Bearer ", ""),
      body,
    };
    this.seen.push(seen);
    if (this.fault?.(seen, response) === true) return;
    if (seen.token !== this.token) return sendStatus(response, 401, "Unauthorized");
    if (seen.path !== "/api/v1/nodes") return sendStatus(response, 404, "not found");
    if (seen.query.has("watch")) return this.#openWatch(seen, response);
    this.#list(seen, response);
  }

  #list({ query }: Seen, response: ServerResponse): void {
    const limit = Number(query.get("limit") ?? 0) || Number.POSITIVE_INFINITY;
    const [version = `${this.#version}`, from = "0"] = (query.get("continue") ?? "")
      .split("/")
      .filter(Boolean);
    if (Number(version) < this.oldest)
      return sendStatus(response, 410, "The provided continue parameter is too old");
    const names = [...this.#objects.keys()].sort();
    const end = Number(from) + limit;
    const items = names.slice(Number(from), end).map((name) => this.#objects.get(name)?.object);
    const more = end < names.length ? { continue: `${version}/${end}` } : {};
    sendJson(response, 200, {
      kind: "NodeList",
      apiVersion: "v1",
      metadata: { resourceVersion: version, ...more },
      items,
    });
  }

  #openWatch({ query }: Seen, response: ServerResponse): void {
    const from = Number(query.get("resourceVersion"));
    if (from < this.oldest)
      return sendStatus(response, 410, `too old resource version: ${from} (${this.oldest})`);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const { version, line } of this.#history) if (version > from) response.write(line);
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
  }
}

/** Answers with a Status object of the API. */
export function sendStatus(
  response: ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  sendJson(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", message, code }, headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

function objectOf(
  { name, uid, created, podCIDRs, internalIPs = [], more = {} }: NodeSpec,
  version: number,
): object {
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name,
      uid: uid ?? `uid-${name}`,
      resourceVersion: `${version}`,
      creationTimestamp: created ?? "2026-01-01T00:00:00Z",
    },
    spec: podCIDRs === undefined ? {} : { podCIDR: podCIDRs[0], podCIDRs },
    status: {
      addresses: [
        ...internalIPs.map((address) => ({ type: "InternalIP", address })),
        { type: "Hostname", address: name },
      ],
    },
    ...more,
  };
}
