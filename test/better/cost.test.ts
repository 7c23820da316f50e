// What an ADD costs, counted and not timed: programs that it starts, and bytes that it reads beside other
// people's rules.
import { toolPath } from "../support/tool.ts";
import { proof } from "./proof.ts";

const TRACE = "/run/world/trace";
const STRACE = [toolPath("strace"), "-f", "-qq", "-o", TRACE, "-e", "trace=execve,recvmsg,recvfrom"];

/** As kube-proxy has them for 300 services. */
const OTHER_RULES = `seq 300 | awk 'BEGIN { print "*nat" } { chains = chains ":KUBE-SVC-" $1 " - [0:0]\\n"; rules = rules "-A PREROUTING -d 10.96.0." $1 % 250 + 1 " -p tcp --dport " $1 " -j KUBE-SVC-" $1 "\\n" } END { printf "%s%sCOMMIT\\n", chains, rules }' | iptables-restore`;

for (const [name, config] of [
  ["masquerading", { ipMasq: true }],
  ["a check of MAC addresses", { macspoofchk: true }],
] as const) {
  proof(`D17: an ADD with ${name} starts no other program, and does not read the rules of others`, {
    row: { config },
    play: async ({ add, red, blue, world }) => {
      await add(red, { through: STRACE });
      const alone = traced(world.read(TRACE));
      await world.host.must(["sh", "-c", OTHER_RULES]);
      await add(blue, { through: STRACE });
      const beside = traced(world.read(TRACE));
      return { startsPrograms: alone.programs > 1, readsMore: beside.bytes > 2 * alone.bytes };
    },
    good: { startsPrograms: false, readsMore: false },
    bad: { startsPrograms: true, readsMore: true },
  });
}

/** Programs that were started, the plugin itself included, and bytes that came from the kernel by sockets. */
function traced(text: string): { programs: number; bytes: number } {
  const lines = text.split("\n");
  const received = lines
    .map((line) => /recv(?:msg|from)\(.* = (\d+)$/.exec(line)?.[1])
    .filter((bytes) => bytes !== undefined);
  return {
    programs: lines.filter((line) => /execve\(.* = 0$/.test(line)).length,
    bytes: received.reduce((sum, bytes) => sum + Number(bytes), 0),
  };
}
