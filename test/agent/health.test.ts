// The pages of the agent, over real HTTP.
import { connect, createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { serveHealth } from "../../agent/health.ts";
import { openLog } from "../../agent/log.ts";
import { openMetrics } from "../../agent/metrics.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { waitFor } from "../support/wait.ts";

enterOwnNetwork();

const PLACE = { address: "127.0.0.1", port: 9880 };

async function listener(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(PLACE.port, PLACE.address, done);
  });
  return server;
}

test("a taken port is told, tried again, and served once it is free", async () => {
  const other = await listener();
  const stop = new AbortController();
  const lines: { code: string; msg: string; retryMs: number }[] = [];
  const log = openLog({ level: "info", format: "json" }, (line) => lines.push(JSON.parse(line)));
  const readiness = { isInstalled: true, isApplied: false, reason: "no wish was applied yet" };
  const served = serveHealth(PLACE, { readiness, registry: openMetrics("test").registry, log }, stop.signal);
  await waitFor("it is told", () => lines.length > 0);
  expect(lines[0]).toMatchObject({ code: "listen-failed" });
  expect(lines[0]?.msg).toContain("127.0.0.1:9880 cannot be listened on");
  expect(lines[0]?.retryMs).toBeGreaterThan(0);
  await new Promise((done) => other.close(done));
  await served;
  const ready = await fetch(`http://127.0.0.1:${PLACE.port}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, "no wish was applied yet\n"]);
  stop.abort();
  await waitFor("nobody listens", () => isRefused());
});

/** True where nobody listens at the place. */
function isRefused(): Promise<boolean> {
  return new Promise((done) => {
    const connection = connect(PLACE.port, "127.0.0.1");
    connection.on("connect", () => (connection.destroy(), done(false)));
    connection.on("error", () => done(true));
  });
}
