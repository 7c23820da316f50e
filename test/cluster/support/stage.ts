// The cluster that scripts/test-cluster started, for the tests: its programs, its nodes, its API. STAGE names
// the script in test/cluster/stage that has it.
import { join } from "node:path";
import { describe, type Outcome, type RunOptions, run } from "../../support/process.ts";
import { REPOSITORY } from "../../support/tool.ts";
import { waitFor } from "../../support/wait.ts";

const STAGE = join(REPOSITORY, "test/cluster/stage", process.env["STAGE"] ?? "cluster");

/** What Kubernetes' objects look like as JSON; a test reads what it needs. */
// biome-ignore lint/suspicious/noExplicitAny: the API's types are no part of the repository.
export type Thing = Record<string, any>;

/** Calls test/cluster/stage/cluster with these words, whatever comes of it. */
export function tryStage(words: string[], options: RunOptions = {}): Promise<Outcome> {
  const { BIN, STATE, CNI, IMAGES, PREFIX, PATH, CONTROL_ONLY, TOOLS, HOME, PATIENCE } = process.env;
  if (BIN === undefined || STATE === undefined)
    throw new Error("There is no cluster. Hint: scripts/test-cluster starts one, and these tests in it.");
  const env = Object.fromEntries(
    Object.entries({ BIN, STATE, CNI, IMAGES, PREFIX, PATH, CONTROL_ONLY, TOOLS, HOME, PATIENCE }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as Record<string, string>;
  return run([STAGE, ...words], { timeoutMs: 120_000, ...options, env });
}

/** Calls it; it has to succeed. Gives what it printed. */
export async function stage(words: string[], options: RunOptions = {}): Promise<string> {
  const outcome = await tryStage(words, options);
  if (outcome.status !== 0) throw new Error(describe(outcome));
  return outcome.stdout;
}

/** A place in which commands are run: a node, the router, the host outside. */
export class Host {
  readonly name: string;
  readonly #words: string[];

  constructor(name: string, words: string[]) {
    this.name = name;
    this.#words = words;
  }

  /** Runs a line of the shell, whatever comes of it. */
  try(line: string, options: RunOptions = {}): Promise<Outcome> {
    return tryStage([...this.#words, "sh", "-c", line], options);
  }

  /** Runs a line of the shell; it has to succeed. */
  async must(line: string, options: RunOptions = {}): Promise<string> {
    return (await stage([...this.#words, "sh", "-c", line], options)).trimEnd();
  }

  /** What `ip` or `nft` print as JSON. */
  async json(line: string): Promise<Thing[]> {
    const text = await this.must(line);
    return text === "" ? [] : (JSON.parse(text) as Thing[]);
  }
}

export const router = new Host("router", ["router"]);
export const outside = new Host("outside", ["outside"]);

/** The n-th node. */
export function node(n: number): Host {
  return new Host(`node${n}`, ["in", `${n}`]);
}

/** Calls kubectl as the cluster's administrator; it has to succeed. */
export async function kubectl(words: string[], options: RunOptions = {}): Promise<string> {
  return (await stage(["kubectl", ...words], options)).trimEnd();
}

/** Objects as `kubectl get` gives them. */
export async function get(...words: string[]): Promise<Thing> {
  return JSON.parse(await kubectl(["get", ...words, "-o", "json"])) as Thing;
}

/** Applies objects, as JSON or as YAML. */
export async function apply(objects: Thing | Thing[] | string): Promise<void> {
  const text =
    typeof objects === "string"
      ? objects
      : JSON.stringify({ apiVersion: "v1", kind: "List", items: [objects].flat() });
  await kubectl(["apply", "-f", "-"], { stdin: text });
}

/** Deletes objects and waits until they have gone. */
export async function remove(...words: string[]): Promise<void> {
  await kubectl(["delete", "--ignore-not-found", "--wait", "--timeout=60s", ...words]);
}

/** Applies a folder of deploy/, and waits until its agents are ready and the nodes too. */
export async function deploy(folder: string): Promise<void> {
  await kubectl(["apply", "-k", join(REPOSITORY, "deploy", folder)]);
  await rolledOut("daemonset/pontoon", "kube-system");
  await kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
}

/** Takes Pontoon away from all nodes by deploy/uninstall. Pods with a network of their own went before. */
export async function undeploy(): Promise<void> {
  const folder = (name: string) => join(REPOSITORY, "deploy", name);
  await remove("-k", folder("base"));
  await kubectl(["apply", "-k", folder("uninstall")]);
  await rolledOut("daemonset/pontoon-uninstall", "kube-system");
  await remove("-k", folder("uninstall"));
}

/** Waits until the pods of such an object are as it says. */
export async function rolledOut(what: string, namespace = "default", seconds = 60): Promise<void> {
  const words = ["-n", namespace, "rollout", "status", what, `--timeout=${seconds}s`];
  await kubectl(words, { timeoutMs: (seconds + 10) * 1000 });
}

const AGENTS = ["-n", "kube-system", "-l", "app.kubernetes.io/name=pontoon"];

/** The agent's pod on a node, once there is one that is ready; with `isRunning` once it only runs. */
export async function agentOn(n: number, { isRunning = false } = {}): Promise<string> {
  let name: string | undefined;
  await waitFor(
    `an agent is there on node${n}`,
    async () => {
      const { items } = await get("pods", ...AGENTS, "--field-selector", `spec.nodeName=node${n}`);
      const pod = (items as Thing[]).find(({ metadata, status }) => {
        const container = status["containerStatuses"]?.[0];
        const isThere = isRunning ? container?.state.running !== undefined : container?.ready === true;
        return isThere && metadata["deletionTimestamp"] === undefined;
      });
      name = pod?.["metadata"].name;
      return name !== undefined;
    },
    60_000,
    200,
  );
  return name as string;
}

/** What the agent of a node has logged. */
export async function agentLog(n: number): Promise<string> {
  return kubectl(["-n", "kube-system", "logs", await agentOn(n, { isRunning: true })]);
}

/** The agent of a node ends, and another pod begins. */
export async function restartAgent(n: number): Promise<void> {
  const last = await agentOn(n, { isRunning: true });
  await kubectl(["-n", "kube-system", "delete", "pod", last]);
}

/** The agents' DaemonSet with other environment variables; waits until they run. "NAME-" takes one away. */
export async function setAgents(...variables: string[]): Promise<void> {
  await kubectl(["-n", "kube-system", "set", "env", "daemonset/pontoon", ...variables]);
  await rolledOut("daemonset/pontoon", "kube-system");
}

/** No agent runs on these nodes until the given work has ended. */
export async function withoutAgents(work: () => Promise<void>): Promise<void> {
  const away = JSON.stringify({ spec: { template: { spec: { nodeSelector: { nowhere: "true" } } } } });
  const back = JSON.stringify({ spec: { template: { spec: { nodeSelector: { nowhere: null } } } } });
  const patch = (text: string) =>
    kubectl(["-n", "kube-system", "patch", "daemonset", "pontoon", "--type=merge", "-p", text]);
  await patch(away);
  await waitFor(
    "all agents are away",
    async () => (await get("pods", ...AGENTS))["items"].length === 0,
    60_000,
    200,
  );
  try {
    await work();
  } finally {
    await patch(back);
    await rolledOut("daemonset/pontoon", "kube-system");
  }
}
