// /healthz, /readyz and /metrics over HTTP.
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";
import { Backoff, pause } from "./api/backoff.ts";
import type { Log } from "./log.ts";

/** What makes the node's network ready. */
export interface Readiness {
  /** The executable is where the runtime looks for it. */
  isInstalled: boolean;
  /** The wish was applied once, with the configuration, and nothing of it was refused that a pod needs. */
  isApplied: boolean;
  /** The reason for the answer "not ready". */
  reason: string;
}

/** The server's parts. */
export interface HealthParts {
  readiness: Readiness;
  registry: Registry;
  log: Log;
}

/** Serves until the abort. A port that another program has is tried again: the network matters more. */
export async function serveHealth(
  place: { address: string; port: number },
  parts: HealthParts,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ firstMs: 1000, mostMs: 30_000 });
  while (!signal.aborted) {
    const server = serverOf(parts);
    try {
      await listen(server, place);
      return signal.addEventListener("abort", () => server.close(), { once: true });
    } catch (error) {
      const wait = backoff.next();
      const where = `${place.address}:${place.port}`;
      parts.log.error("listen-failed", `${where} cannot be listened on: ${(error as Error).message}`, {
        retryMs: wait,
      });
      await pause(wait, signal);
    }
  }
}

function listen(server: Server, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((done, fail) => {
    // It hears later errors as well: a connection that cannot be taken is no end of the agent.
    server.on("error", fail);
    server.listen(port, address, () => done());
  });
}

function serverOf({ readiness, registry }: HealthParts): Server {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    const path = request.url?.replace(/\?.*$/, "");
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "GET only\n");
    if (path === "/healthz") return answer(200, "ok\n");
    if (path === "/readyz")
      return readiness.isInstalled && readiness.isApplied
        ? answer(200, "ok\n")
        : answer(503, `${readiness.reason}\n`);
    if (path === "/metrics")
      return registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        (error: unknown) => answer(500, `${String(error)}\n`),
      );
    answer(404, "there are /healthz, /readyz and /metrics\n");
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  server.maxConnections = 32;
  return server;
}
