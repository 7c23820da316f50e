// What a container with NET_RAW and NET_ADMIN can do in its own network namespace, then what a runtime does:
// CHECK, DEL, the ADD of another pod. No other pod loses anything, and nothing is left.
import { addressesOf, type CniResult } from "../support/cni.ts";
import { pings } from "../support/traffic.ts";
import type { Bench, CaseList, Part } from "./part.ts";
import { Stage } from "./stage.ts";

/** Shell that runs inside the pod, by its name. True for those after which CHECK has to complain. */
const ATTACKS: Record<string, { script: string; breaks: boolean }> = {
  "deletes-its-interface": { script: "ip link delete eth0", breaks: true },
  "renames-its-interface": {
    script: "ip link set eth0 down; ip link set eth0 name evil; ip link set evil up",
    breaks: true,
  },
  "renames-and-puts-another": {
    script:
      "ip link set eth0 down; ip link set eth0 name evil; ip link add eth0 type veth peer name x; ip link set eth0 up",
    breaks: true,
  },
  "changes-its-mac": { script: "ip link set eth0 address 02:00:00:00:00:99", breaks: true },
  "takes-the-mac-of-the-resident": {
    script: "ip link set eth0 address $RESIDENT_MAC; arping -c 1 -I eth0 10.1.0.1 || true",
    breaks: true,
  },
  "takes-the-address-of-the-resident": { script: "ip address add $RESIDENT/24 dev eth0", breaks: false },
  "drops-its-addresses": { script: "ip address flush dev eth0", breaks: true },
  "plants-routes": {
    script:
      "ip route add 192.0.2.0/24 dev eth0; ip route replace default dev eth0; ip rule add from all table 77",
    breaks: false,
  },
  "sets-its-interface-down": { script: "ip link set eth0 down", breaks: false },
  "makes-it-a-port-of-a-bridge": {
    script: "ip link add mine type bridge; ip link set eth0 master mine; ip link set mine up",
    breaks: false,
  },
  "makes-a-macvlan": {
    script:
      "ip link add mac0 link eth0 type macvlan || true; ip link add link eth0 name v0 type vlan id 5 || true",
    breaks: false,
  },
  "lowers-its-mtu": { script: "ip link set eth0 mtu 576", breaks: true },
  "moves-it-away": {
    script:
      "unshare --net sh -c 'echo $$; exec cat /run/world/wait' > /run/world/evil & while [ ! -s /run/world/evil ]; do :; done; ip link set eth0 netns $(head -1 /run/world/evil); echo > /run/world/wait; wait",
    breaks: true,
  },
  "replaces-its-queue": { script: "tc qdisc replace dev eth0 root pfifo limit 1", breaks: false },
  "filters-everything": {
    script:
      "nft add table inet evil; nft add chain inet evil in '{ type filter hook input priority 0; policy drop; }'",
    breaks: false,
  },
  "floods-macs": { script: 'python3 -c "$FLOOD_MACS"', breaks: false },
  "floods-arp": { script: 'python3 -c "$FLOOD_ARP"', breaks: false },
  "floods-link-local": { script: 'python3 -c "$FLOOD_LINK_LOCAL"', breaks: false },
  "claims-the-gateway": {
    script: 'ip address add 10.1.0.1/24 dev eth0; python3 -c "$CLAIM_GATEWAY"',
    breaks: false,
  },
  "floods-its-host-port": {
    script: "for i in $(seq 200); do echo x > /dev/udp/10.1.0.1/8101 || true; done",
    breaks: false,
  },
  "thousand-links": {
    script: "for i in $(seq 100); do ip link add d$i type veth peer name e$i; done",
    breaks: false,
  },
  "thousand-addresses": {
    script: "for i in $(seq 200); do echo address add 172.16.0.$i/32 dev eth0; done | ip -batch -",
    breaks: false,
  },
};

/** Frames by a raw socket: $1 is their destination, each has another source. */
const RAW = (body: string): string =>
  `import socket,os;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(("eth0",0));own=s.getsockname()[4]\n${body}`;

const FRAMES = {
  FLOOD_MACS: RAW("for i in range(3000): s.send(b'\\xff'*6+b'\\x02'+os.urandom(5)+b'\\x08\\x00'+b'x'*50)"),
  FLOOD_LINK_LOCAL: RAW(
    "for i in range(3000): s.send(b'\\x01\\x80\\xc2\\x00\\x00\\x0e'+b'\\x02'+os.urandom(5)+b'\\x88\\xcc'+b'x'*50)",
  ),
  FLOOD_ARP: RAW(
    "for i in range(2000): s.send(b'\\xff'*6+own+b'\\x08\\x06\\x00\\x01\\x08\\x00\\x06\\x04\\x00\\x01'+own+bytes([10,1,0,i%250+1])+b'\\0'*6+bytes([10,1,0,1]))",
  ),
  CLAIM_GATEWAY: RAW(
    "for i in range(50): s.send(b'\\xff'*6+own+b'\\x08\\x06\\x00\\x01\\x08\\x00\\x06\\x04\\x00\\x02'+own+bytes([10,1,0,1])+b'\\xff'*6+bytes([10,1,0,1]))",
  ),
};

/** More forwarding entries than this are learned by nobody's leave. */
const MOST_ENTRIES = 100;

export const podAttack: Part = {
  name: "pod-attack",
  promise:
    "Whatever a pod does to its own network, CHECK, DEL and the next ADD are right, and nobody else loses anything.",
  cases: async (): Promise<CaseList> => ({
    names: Object.keys(ATTACKS).flatMap((name) => [
      `${name} then-DEL`,
      `${name} then-GC`,
      `${name} then-namespace-gone`,
    ]),
  }),
  open: async () => new AttackBench(),
};

class AttackBench implements Bench {
  #stage: Stage | undefined;

  get calls(): number {
    return this.#stage?.calls ?? 0;
  }

  /** Each attack has a host of its own: a pod keeps what it did to itself. */
  async play(name: string): Promise<string[]> {
    await this.#stage?.[Symbol.asyncDispose]();
    this.#stage = await Stage.open("nftables");
    const [attack = "", next = ""] = name.split(" ");
    return attacked(this.#stage, ATTACKS[attack]!, next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage?.[Symbol.asyncDispose]();
  }
}

async function attacked(
  stage: Stage,
  { script, breaks }: (typeof ATTACKS)[string],
  next: string,
): Promise<string[]> {
  const { world, red, blue, resident } = stage;
  await stage.call("ADD");
  const env = { ...FRAMES, ...(await namesOf(stage)) };
  await world.host.exec("mkfifo /run/world/wait");
  await red.must(["bash", "-c", script], { env, timeoutMs: 20_000 });
  const found: string[] = [];
  if (!(await pings(resident, "10.1.0.1")))
    found.push("during the attack the resident does not reach its gateway");
  const entries = (await world.host.must("bridge fdb show br pods0")).split("\n").length;
  if (entries > MOST_ENTRIES) found.push(`the bridge has learned ${entries} entries`);
  const checked = await stage.call("CHECK");
  if (breaks && checked.status === 0) found.push("CHECK is content");
  if (/"code": 999,/.test(checked.stdout)) found.push(checked.stdout);
  if (next === "then-namespace-gone") await world.removePod(red);
  const ended = await stage.call(next === "then-GC" ? "GC" : "DEL");
  if (ended.status !== 0) found.push(`${next} failed: ${ended.stdout}`);
  if (next !== "then-namespace-gone") await world.removePod(red);
  found.push(...(await stage.remains()).filter((line) => !line.startsWith("- red: ")));
  const added = await stage.call("ADD", blue);
  if (added.status !== 0) return [...found, `the next ADD failed: ${added.stdout}`];
  if (addressesOf(JSON.parse(added.stdout) as CniResult).length !== 2)
    found.push("the next pod has not both addresses");
  if (!(await pings(blue, "10.1.0.1"))) found.push("the next pod does not reach its gateway");
  if (!(await pings(resident, "fd01::1")))
    found.push("after the attack the resident does not reach its gateway");
  return found;
}

async function namesOf({ resident }: Stage): Promise<Record<string, string>> {
  const text = await resident.must("ip -o link show dev eth0");
  const address = /inet ([\d.]+)\//.exec(await resident.must("ip -o -4 address show dev eth0"))?.[1] ?? "";
  return { RESIDENT_MAC: /link\/ether (\S+)/.exec(text)?.[1] ?? "", RESIDENT: address };
}
