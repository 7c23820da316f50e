// Nodes that come and go: real ones by the stage, and Node objects that only stand for one.
import { waitFor } from "../../support/wait.ts";
import { apply, get, kubectl, node, remove, stage, type Thing, tryStage } from "./stage.ts";

/**
 * A node joins: at 10.9LAN.0.HOST, by default as its number says, on the first network. Waits until it is
 * Ready.
 */
export async function join(n: number, host = 10 + n, lan = 0): Promise<void> {
  await stage(["node-up", `${n}`, `${host}`, `${lan}`]);
  await isReady(n);
}

/** A node leaves, with its Node object, its disk and its pods. */
export async function leave(n: number): Promise<void> {
  await stage(["node-down", `${n}`]);
  await stage(["node-wipe", `${n}`]);
  await remove("node", `node${n}`);
  // By itself the control plane does it a minute later.
  const selection = ["--all-namespaces", "--field-selector", `spec.nodeName=node${n}`];
  await kubectl(["delete", "pods", ...selection, "--force", "--grace-period=0"]);
}

/** Waits until the API says that a node is Ready. */
export async function isReady(n: number): Promise<void> {
  await waitFor(
    `node${n} is Ready`,
    async () => {
      const { status, stdout } = await tryStage(["kubectl", "get", "node", `node${n}`, "-o", "json"]);
      if (status !== 0) return false;
      const conditions = (JSON.parse(stdout) as Thing)["status"].conditions as Thing[] | undefined;
      return conditions?.find(({ type }) => type === "Ready")?.["status"] === "True";
    },
    90_000,
    200,
  );
}

/** A Node object without a machine: it makes one with these subnets of pods. */
export async function pretend(name: string, podCIDRs: string[], addresses: string[]): Promise<void> {
  await apply({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { unschedulable: true, podCIDR: podCIDRs[0], podCIDRs },
  });
  await move(name, addresses);
}

/** The Node object has these addresses now. */
export async function move(name: string, addresses: string[]): Promise<void> {
  const status = { addresses: addresses.map((address) => ({ type: "InternalIP", address })) };
  const patch = JSON.stringify({ status });
  await kubectl(["patch", "node", name, "--subresource=status", "--type=merge", "-p", patch]);
}

/** Pods' subnets of a node. */
export async function subnetsOf(name: string): Promise<string[]> {
  return (await get("node", name))["spec"].podCIDRs ?? [];
}

/** The routes of ours on a node, as "SUBNET via ADDRESS"; one by a tunnel has the tunnel's name. */
export async function routesOn(n: number): Promise<string[]> {
  const here = node(n);
  const routes = [
    ...(await here.json("ip -4 -j route show proto 180")),
    ...(await here.json("ip -6 -j route show proto 180")),
  ];
  return routes
    .map(({ dst, gateway, dev }) => `${dst} via ${String(dev).startsWith("pontoon") ? dev : gateway}`)
    .sort();
}

/** Waits until the routes of a node to these subnets are as said, or none of them is there (undefined). */
export async function expectRoutes(n: number, wanted: Record<string, string | undefined>): Promise<void> {
  let seen: string[] = [];
  const isAsWanted = () =>
    Object.entries(wanted).every(([subnet, via]) =>
      via === undefined
        ? !seen.some((route) => route.startsWith(`${subnet} `))
        : seen.includes(`${subnet} via ${via}`),
    );
  try {
    await waitFor(
      `the routes of node${n} are ${JSON.stringify(wanted)}`,
      async () => {
        seen = await routesOn(n);
        return isAsWanted();
      },
      20_000,
      100,
    );
  } catch (error) {
    throw new Error(`${(error as Error).message} They are:\n${seen.join("\n")}`);
  }
}
