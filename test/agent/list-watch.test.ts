// The list and watch of nodes, against a simulated API server over real TLS and real streams.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Api } from "../../agent/api/http.ts";
import { ListWatch, type Pace } from "../../agent/api/list-watch.ts";
import { type ClusterNode, NODES } from "../../agent/cluster/node-object.ts";
import { openLog } from "../../agent/log.ts";
import { type Fault, KubeApi, sendStatus } from "../support/kube-api.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { waitFor } from "../support/wait.ts";

enterOwnNetwork();

const PACE: Pace = {
  page: 2,
  pageMs: 10_000,
  watchSeconds: [20, 20],
  silenceMs: 400,
  healthyMs: 50,
  firstPauseMs: 5,
  mostPauseMs: 40,
};

interface Line {
  code: string;
  msg: string;
  level: string;
  retryMs?: number;
}

/** A list that is kept from a server of its own. */
class Kept implements AsyncDisposable {
  readonly api: KubeApi;
  readonly lines: Line[] = [];
  changes = 0;
  readonly #stop = new AbortController();
  readonly #list: ListWatch<ClusterNode>;
  readonly #run: Promise<void>;

  constructor(api: KubeApi, pace: Partial<Pace>) {
    this.api = api;
    const log = openLog({ level: "debug", format: "json" }, (line) => {
      this.lines.push(JSON.parse(line) as Line);
    });
    const client = new Api({ url: new URL(api.url), serviceAccount: api.folder, userAgent: "test" });
    this.#list = new ListWatch(client, NODES, {
      log,
      pace: { ...PACE, ...pace },
      watcher: {
        changed: () => {
          this.changes += 1;
        },
        reached: () => undefined,
        count: () => undefined,
      },
    });
    this.#run = this.#list.run(this.#stop.signal);
  }

  get names(): string {
    return [...(this.#list.items?.keys() ?? [])].sort().join(" ");
  }

  node(name: string): ClusterNode | undefined {
    return this.#list.items?.get(name);
  }

  async has(names: string): Promise<void> {
    await waitFor(`the nodes are ${names}; they are ${this.names}`, () => this.names === names);
  }

  async watches(): Promise<void> {
    await waitFor("it watches", () => this.api.watches === 1);
  }

  /** Waits for a line of the log; gives the first. */
  async logs(code: string): Promise<Line> {
    const find = (): Line | undefined => this.lines.find((line) => line.code === code);
    await waitFor(`it logs ${code}`, () => find() !== undefined).catch((error: Error) => {
      throw new Error(`${error.message} It logged ${JSON.stringify(this.lines)}`);
    });
    return find()!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
    await this.api[Symbol.asyncDispose]();
  }
}

/** A server with nodes of these names, whose list is kept. */
async function keep(
  names: string,
  { fault, ...pace }: Partial<Pace> & { fault?: Fault } = {},
): Promise<Kept> {
  const api = new KubeApi();
  api.fault = fault;
  for (const name of names.split(" ").filter((each) => each !== "")) api.put({ name });
  await api.start();
  return new Kept(api, pace);
}

/** A fault for the first requests that `applies` names, so many of them. */
function first(
  count: number,
  applies: "list" | "watch",
  answer: (...args: Parameters<Fault>) => void,
): Fault {
  let left = count;
  return (seen, response) => {
    const kind = seen.query.has("watch") ? "watch" : "list";
    if (left === 0 || applies !== kind) return false;
    left -= 1;
    answer(seen, response);
    return true;
  };
}

test("lists by pages, then hears of nodes that are added, changed and removed", async () => {
  await using kept = await keep("a b c d e");
  await kept.has("a b c d e");
  expect(kept.api.count("list")).toBe(3);
  await kept.watches();
  kept.api.put({ name: "f" });
  kept.api.remove("b");
  kept.api.put({ name: "a", internalIPs: ["10.0.0.1"] });
  await waitFor("a has its address", () => kept.node("a")?.internalIPs[0] === "10.0.0.1");
  await kept.has("a c d e f");
});

test("a heartbeat, which changes nothing that is kept, is no change", async () => {
  await using kept = await keep("a b");
  await kept.watches();
  for (let at = 0; at < 20; at++) kept.api.put({ name: "a", more: { heartbeat: at } });
  kept.api.put({ name: "c" });
  await kept.has("a b c");
  expect(kept.changes).toBe(2);
});

test("a watch that the server ends goes on at the version of the last event, without a list", async () => {
  await using kept = await keep("a");
  await kept.watches();
  kept.api.put({ name: "b" });
  await kept.has("a b");
  kept.api.endWatches();
  await waitFor("it watches again", () => kept.api.count("watch") === 2);
  kept.api.put({ name: "c" });
  await kept.has("a b c");
  expect(kept.api.count("list")).toBe(1);
});

test("a bookmark's version is where the next watch begins", async () => {
  await using kept = await keep("a");
  await kept.watches();
  const version = kept.api.bookmark();
  kept.api.endWatches();
  await waitFor("it watches again", () => kept.api.count("watch") === 2);
  const query = kept.api.seen.at(-1)?.query;
  expect(query?.get("resourceVersion")).toBe(String(version));
  expect(query?.get("allowWatchBookmarks")).toBe("true");
});

test.each(["as an HTTP status", "as an event"])(
  "410 %s: it lists anew, and nodes that went meanwhile are gone",
  async (how) => {
    await using kept = await keep("a b");
    await kept.watches();
    const gone = {
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired", message: "too old" },
    };
    kept.api.fault = first(1, "watch", (_, response) => {
      kept.api.fault = undefined;
      if (how === "as an event") response.end(`${JSON.stringify(gone)}\n`);
      else sendStatus(response, 410, "too old resource version");
    });
    kept.api.isMute = true;
    kept.api.remove("a");
    kept.api.put({ name: "c" });
    kept.api.isMute = false;
    kept.api.endWatches();
    await kept.has("b c");
    expect(kept.api.count("list")).toBe(2);
    await kept.watches();
    kept.api.put({ name: "d" });
    await kept.has("b c d");
  },
);

test("a list whose next page is too old starts over", async () => {
  let isOver = false;
  await using kept = await keep("a b c d e", {
    fault: (seen, response) => {
      if (isOver || !seen.query.has("continue")) return false;
      isOver = true;
      sendStatus(response, 410, "The provided continue parameter is too old");
      return true;
    },
  });
  await kept.has("a b c d e");
  expect(kept.api.seen.slice(0, 3).map(({ query }) => query.has("continue"))).toEqual([false, true, false]);
});

test("a token that kubelet renewed is used by the next request", async () => {
  await using kept = await keep("a");
  await kept.watches();
  kept.api.token = "token-2";
  kept.api.writeAccount();
  kept.api.endWatches();
  await waitFor("it watches again", () => kept.api.count("watch") === 2);
  expect(kept.api.seen.at(-1)?.token).toBe("token-2");
});

test("a token that is refused is said, and the file is read again until it is right", async () => {
  await using kept = await keep("a");
  await kept.watches();
  kept.api.token = "token-2";
  kept.api.endWatches();
  expect((await kept.logs("api-unauthorized")).msg).toContain("does not know the agent's token");
  kept.api.writeAccount();
  await kept.watches();
  await kept.logs("api-back");
});

test("another CA: the server is not trusted until the file has it, then the watch goes on", async () => {
  await using kept = await keep("a");
  await kept.watches();
  kept.api.renewCertificate();
  await kept.api.stop();
  await kept.api.start();
  expect((await kept.logs("api-tls")).msg).toContain("does not prove itself by the cluster's CA");
  expect(kept.names).toBe("a");
  kept.api.writeAccount();
  await kept.watches();
  kept.api.put({ name: "b" });
  await kept.has("a b");
});

test("no token at all is said in words", async () => {
  const api = new KubeApi();
  rmSync(join(api.folder, "token"));
  await api.start();
  await using kept = new Kept(api, {});
  expect((await kept.logs("api-credentials")).msg).toContain("needs a ServiceAccount with its token mounted");
  api.writeAccount();
  await kept.watches();
});

test("403 says which right is missing", async () => {
  await using kept = await keep("a", {
    fault: first(2, "list", (_, response) => sendStatus(response, 403, "nodes is forbidden")),
  });
  const { msg } = await kept.logs("api-forbidden");
  expect(msg).toContain("does not let the agent list nodes (403: nodes is forbidden)");
  expect(msg).toContain("ClusterRole");
  await kept.has("a");
});

test("a watch on which no byte comes is given up, and begun anew", async () => {
  await using kept = await keep("a", {
    fault: first(1, "watch", (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
    }),
  });
  await kept.logs("api-silent");
  kept.api.put({ name: "b" });
  await kept.has("a b");
  expect(kept.api.count("list")).toBe(1);
});

test("a server that takes the connection and says nothing is given up", async () => {
  await using kept = await keep("a", { fault: first(1, "watch", () => undefined) });
  await kept.logs("api-silent");
  await kept.watches();
  expect(kept.api.count("list")).toBe(1);
});

test("a list that comes byte by byte and never ends is given up", async () => {
  await using kept = await keep("a", {
    pageMs: 200,
    fault: first(1, "list", (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const trickle = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(trickle));
    }),
  });
  expect((await kept.logs("api-silent")).msg).toContain("not whole within 200 ms");
  await kept.has("a");
});

test("503 and 429 are tried again no sooner than the server asks", async () => {
  await using kept = await keep("a", {
    fault: first(1, "list", (_, response) =>
      sendStatus(response, 429, "too many requests", { "retry-after": "1" }),
    ),
  });
  const { retryMs = 0 } = await kept.logs("api-busy");
  expect(retryMs).toBeGreaterThanOrEqual(1000);
  await kept.has("a");
});

test("a redirect is not followed", async () => {
  await using kept = await keep("a", {
    fault: first(1, "list", (_, response) => {
      response.writeHead(302, { location: `/elsewhere` });
      response.end();
    }),
  });
  await kept.logs("api-redirect");
  await kept.has("a");
  expect(kept.api.seen.some(({ path }) => path === "/elsewhere")).toBe(false);
});

test.each([
  ["a page of HTML", "list", "<html>hello</html>"],
  ["JSON of another thing", "list", '{"hello": 1}'],
  ["half of a list", "list", '{"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[{"metadata":'],
  ["lines that are no JSON", "watch", "hello\nhello\n"],
  ["an event without an object", "watch", '{"type":"ADDED"}\n'],
] as const)("%s in the place of an answer is told, and tried again", async (_, kind, text) => {
  await using kept = await keep("a b c", {
    fault: first(1, kind, (__, response) => {
      response.writeHead(200);
      response.end(text);
    }),
  });
  await kept.logs("api-garbage");
  await kept.has("a b c");
  await kept.watches();
  expect(kept.names).toBe("a b c");
});

test("objects that are no Nodes are left out, and a null list is empty", async () => {
  await using kept = await keep("", {
    fault: first(1, "list", (_, response) =>
      response.end('{"metadata":{"resourceVersion":"1000"},"items":null}'),
    ),
  });
  await kept.watches();
  kept.api.sendRaw('{"type":"ADDED","object":{"metadata":{"resourceVersion":"1001"}}}\n');
  kept.api.put({ name: "a" });
  await kept.has("a");
  expect(kept.names).toBe("a");
});

test("an object that can no longer be read is none that is kept", async () => {
  await using kept = await keep("a b");
  await kept.watches();
  const broken = { metadata: { name: "a", resourceVersion: "2000", uid: 7 } };
  kept.api.sendRaw(`${JSON.stringify({ type: "MODIFIED", object: broken })}\n`);
  await kept.has("b");
  expect(kept.api.count("list")).toBe(1);
});

test("a version at which each watch fails is given up after some tries", async () => {
  await using kept = await keep("a", {
    fault: first(8, "watch", (_, response) => sendStatus(response, 500, "no")),
  });
  await waitFor("it lists anew", () => kept.api.count("list") > 1);
  expect(kept.api.seen.filter(({ query }) => query.has("watch")).length).toBeGreaterThan(4);
  await kept.watches();
});

test("a page that is too large is asked for again with half of its objects", async () => {
  await using kept = await keep("a b c", {
    fault: first(1, "list", (_, response) =>
      response.end(`{"items":[{"metadata":"${"x".repeat(9 << 20)}"}],"metadata":{"resourceVersion":"1"}}`),
    ),
  });
  await kept.logs("api-too-large");
  await kept.has("a b c");
  expect(kept.api.seen.slice(0, 2).map(({ query }) => query.get("limit"))).toEqual(["2", "1"]);
});

test("a watch that outlives its time is cut off, though bytes keep coming", async () => {
  await using kept = await keep("a", { watchSeconds: [0, 0] });
  await kept.watches();
  await waitFor(
    "it watches anew",
    () => {
      kept.api.bookmark();
      return kept.api.count("watch") > 1;
    },
    5000,
    20,
  );
  expect(kept.api.count("list")).toBe(1);
});

test("a character that is split between chunks stays whole", async () => {
  await using kept = await keep("a");
  await kept.watches();
  const event = {
    type: "ADDED",
    object: { metadata: { name: "nöde-日本", uid: "u", resourceVersion: "2000" } },
  };
  for (const byte of Buffer.from(`${JSON.stringify(event)}\n`)) kept.api.sendRaw(Uint8Array.of(byte));
  await kept.has("a nöde-日本");
  expect(kept.node("nöde-日本")?.uid).toBe("u");
});

test("a server that ends each watch at once is not asked without pause", async () => {
  await using kept = await keep("a", {
    healthyMs: 10_000,
    firstPauseMs: 100,
    mostPauseMs: 100_000,
    fault: (seen, response) => {
      if (!seen.query.has("watch")) return false;
      response.writeHead(200);
      response.end();
      return true;
    },
  });
  const third = (): Line | undefined => kept.lines.filter(({ retryMs }) => retryMs !== undefined)[2];
  await waitFor("it has tried three times", () => third() !== undefined);
  expect(third()?.retryMs).toBeGreaterThanOrEqual(200);
});

test("a server that ends each watch after its first event is not asked without pause", async () => {
  const times: number[] = [];
  await using kept = await keep("a", {
    healthyMs: 10_000,
    firstPauseMs: 100,
    mostPauseMs: 100_000,
    fault: (seen, response) => {
      if (!seen.query.has("watch")) return false;
      times.push(performance.now());
      const metadata = { name: `n${times.length}`, uid: "u", resourceVersion: `${2000 + times.length}` };
      response.writeHead(200);
      response.end(`${JSON.stringify({ type: "ADDED", object: { metadata } })}\n`);
      return true;
    },
  });
  await kept.has("a n1 n2 n3");
  const [, second = 0, third = 0] = times;
  expect(third - second).toBeGreaterThanOrEqual(99);
  expect(kept.api.count("list")).toBe(1);
});

test("no variable of the environment makes the agent trust a server that the cluster's CA does not know", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  onTestFinished(() => void vi.unstubAllEnvs());
  await using kept = await keep("a");
  await kept.watches();
  kept.api.renewCertificate();
  await kept.api.stop();
  await kept.api.start();
  await kept.logs("api-tls");
  expect(kept.api.seen.filter(({ token }) => token !== undefined).length).toBeLessThanOrEqual(2);
});
