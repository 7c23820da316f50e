// The running cluster gets tunnels between all nodes, and loses them again, under pods that run on. Meanwhile
// the network between the nodes drops packets of pods, as most clouds do.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { expectRoutes, subnetsOf } from "./support/node-life.ts";
import { apply, deploy, get, node, remove, rolledOut, router, type Thing } from "./support/stage.ts";
import {
  addressesOf,
  daemonSet,
  fetchLine,
  inNamespaceOf,
  mustInPod,
  PORT,
  type PodOf,
  podOf,
  SERVER,
  seenFrom,
  service,
  template,
} from "./support/web.ts";

const FAMILIES = ["ipv4", "ipv6"] as const;
const HEADERS = { ipv4: 28, ipv6: 48 };
const MTU = 1500;
const TUNNEL_MTU = MTU - 50;
const ON_NODE_PORT = 8092;
const NODE_PORT = 30_082;
const ECHO_PORT = 9000;

/** A pod on each of two nodes, and the service of the second one. */
interface Pair {
  one: PodOf;
  two: PodOf;
  service: { ipv4: string; ipv6: string };
}
/** Pods of before the tunnels, of their time, and of after them. */
let before: Pair;
let during: Pair;

beforeAll(async () => {
  await deploy("base");
  await apply(
    daemonSet("on-node", SERVER.replace(`-p ${PORT}`, `-p ${ON_NODE_PORT}`), { hostNetwork: true }),
  );
  await rolledOut("daemonset/on-node");
  const ports = [{ port: 80, targetPort: PORT, nodePort: NODE_PORT }];
  before = await startPair("before", { type: "NodePort", ports });
  for (const family of FAMILIES) await startTalk(family);
});
afterAll(async () => {
  await router.try("nft delete table bridge cloud");
  await remove("daemonset,deployment,service", "-l", "test=tunnel");
  await remove("daemonset/on-node");
  await deploy("base");
});

test("tunnels that are switched on lead to the pods of every other node", async () => {
  await deploy("overlays/vxlan");
  await router.must(`nft -f - <<'NFT'\n${CLOUD}\nNFT`);
  for (const [n, other] of [
    [1, 2],
    [2, 1],
  ] as const)
    await expectRoutes(
      n,
      Object.fromEntries((await subnetsOf(`node${other}`)).map((subnet) => [subnet, "pontoon-vxlan"])),
    );
});

test("pods that ran before reach each other by tunnel, by service too, and are seen by their own addresses", async () => {
  await reach(before, before);
});

test("an open connection goes on after the switch", goesOn);

test("pods that ran before send packets larger than the tunnel's MTU, and whole files", async () => {
  await exchange(before, before);
  for (const family of FAMILIES) {
    expect(await mtuOf(1, before.one)).toBe(MTU);
    // The first packet of that size brings back how much the tunnel takes.
    const { stdout } = await ping(before.one, before.two[family], MTU - HEADERS[family], "want");
    expect(stdout).toMatch(/[1-4] received/);
  }
});

test("a pod is seen by its node's address by another node", async () => {
  expect(await seenFrom(before.one.name, "10.90.0.12", ON_NODE_PORT)).toBe("10.90.0.11");
  expect(await seenFrom(before.one.name, "fd00:90::12", ON_NODE_PORT)).toBe("fd00:90::11");
});

test("a node reaches a pod of another node, and so does who asks for its node port", async () => {
  for (const family of FAMILIES)
    expect(await node(1).must(fetchLine(before.two[family], PORT))).toBe("node2");
  for (const address of ["10.90.0.11", "fd00:90::11"])
    expect(await router.must(fetchLine(address, NODE_PORT))).toBe("node2");
});

test("a new pod has an MTU that leaves room for the tunnel's headers, and its full packets go in one piece", async () => {
  during = await startPair("during");
  await expectFullPackets(during, TUNNEL_MTU);
  await reach(during, during);
  await exchange(during, during);
  await reach(before, during);
  await exchange(before, during);
});

test("tunnels that are switched off leave nothing, and routes are direct", async () => {
  await router.must("nft delete table bridge cloud");
  await deploy("base");
  for (const [n, other] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const [four = "", six = ""] = await subnetsOf(`node${other}`);
    await expectRoutes(n, { [four]: `10.90.0.1${other}`, [six]: `fd00:90::1${other}` });
    expect((await node(n).try("ip link show pontoon-vxlan")).status).not.toBe(0);
  }
});

test("an open connection goes on after the switch back", goesOn);

test("pods of before, of the tunnels' time and of after it reach each other, and new ones have the whole MTU", async () => {
  const after = await startPair("after");
  await expectFullPackets(after, MTU);
  for (const [from, to] of [
    [before, during],
    [during, after],
    [after, before],
  ] as const) {
    await reach(from, to);
    await exchange(from, to);
  }
  const { items } = await get("pods", "-l", "test=tunnel");
  const restarts = (items as Thing[]).map(({ status }) => status["containerStatuses"][0].restartCount);
  expect(restarts).toEqual([0, 0, 0, 0, 0, 0]);
});

/** A network that lets only nodes' own addresses pass. */
const CLOUD = `table bridge cloud {
  chain forward {
    type filter hook forward priority 0
    ip saddr 10.244.0.0/16 drop
    ip daddr 10.244.0.0/16 drop
    ip6 saddr fd00:244::/48 drop
    ip6 daddr fd00:244::/48 drop
  }
}`;

/** The server of SERVER with a large file, and one that says every line back. */
const BOTH_SERVERS = `head -c 4000000 /dev/urandom > /tmp/large; nc -ll -p ${ECHO_PORT} -e cat & ${SERVER}`;

async function startPair(name: string, fields: Thing = {}): Promise<Pair> {
  const apps = [1, 2].map((n) => ({ app: `${name}-${n}`, host: `node${n}` }));
  const labels = { test: "tunnel" };
  const deployments = apps.map(({ app, host }) => {
    const pods = template(app, BOTH_SERVERS, { nodeSelector: { "kubernetes.io/hostname": host } });
    Object.assign(pods["metadata"].labels, labels);
    const spec = { selector: { matchLabels: { app } }, template: pods };
    return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: app, labels }, spec };
  });
  const behind = service(name, `${name}-2`, fields);
  Object.assign(behind["metadata"], { labels });
  await apply([...deployments, behind]);
  for (const { app } of apps) await rolledOut(`deployment/${app}`);
  return {
    one: await podOf(`${name}-1`, 1),
    two: await podOf(`${name}-2`, 2),
    service: await addressesOf(name),
  };
}

/** The pods of two nodes reach each other both ways, and the first one the other's service. */
async function reach(from: Pair, to: Pair): Promise<void> {
  for (const family of FAMILIES) {
    expect(await seenFrom(from.one.name, to.two[family])).toBe(from.one[family]);
    expect(await seenFrom(to.two.name, from.one[family])).toBe(to.two[family]);
    expect(await seenFrom(from.one.name, to.service[family], 80)).toBe(from.one[family]);
  }
}

/** Large files come whole, by address both ways and by service. */
async function exchange(from: Pair, to: Pair): Promise<void> {
  const sum = (pod: PodOf): Promise<string> => mustInPod(pod.name, "sha256sum < /tmp/large");
  const fetched = (pod: PodOf, address: string, port: number): Promise<string> =>
    mustInPod(pod.name, `${fetchLine(address, port, "/large")} | sha256sum`);
  const [ofOne, ofTwo] = [await sum(from.one), await sum(to.two)];
  for (const family of FAMILIES) {
    expect(await fetched(from.one, to.two[family], PORT)).toBe(ofTwo);
    expect(await fetched(to.two, from.one[family], PORT)).toBe(ofOne);
    expect(await fetched(from.one, to.service[family], 80)).toBe(ofTwo);
  }
}

/** The first pod has this MTU, a packet of that size comes to the second one whole, and a larger one not. */
async function expectFullPackets({ one, two }: Pair, mtu: number): Promise<void> {
  expect(await mtuOf(1, one)).toBe(mtu);
  expect(await mtuOf(2, two)).toBe(mtu);
  for (const family of FAMILIES) {
    const size = mtu - HEADERS[family];
    expect(await ping(one, two[family], size, "do")).toMatchObject({ status: 0 });
    expect((await ping(one, two[family], size + 1, "do")).status).not.toBe(0);
  }
}

function ping(from: PodOf, address: string, size: number, discovery: "do" | "want") {
  const line = `ping -M ${discovery} -c 4 -i 0.2 -W 2 -s ${size} ${address}`;
  return inNamespaceOf(node(1), from.ipv4, line);
}

async function mtuOf(n: number, pod: PodOf): Promise<number> {
  const { stdout } = await inNamespaceOf(node(n), pod.ipv4, "ip -j link show eth0");
  return (JSON.parse(stdout) as { mtu: number }[])[0]?.mtu ?? 0;
}

/** A pod says a word each 100 ms to another one, by one connection, and notes what it hears. */
async function startTalk(family: "ipv4" | "ipv6"): Promise<void> {
  const talk = `while :; do echo word; usleep 100000; done | nc ${before.two[family]} ${ECHO_PORT} > /tmp/${family}`;
  await mustInPod(before.one.name, `(${talk}) > /dev/null 2>&1 < /dev/null &`);
}

/** The talk of both families is heard again. */
async function goesOn(): Promise<void> {
  for (const family of FAMILIES) {
    const heard = async () => Number(await mustInPod(before.one.name, `wc -l < /tmp/${family}`));
    const last = await heard();
    // While nodes had different settings the connection waited longer and longer.
    await waitFor(`words are heard by ${family}`, async () => (await heard()) > last + 20, 60_000, 500);
  }
}
