// The text by which other programs know of host ports.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  type ListedPort,
  listPortChains,
  portChainLines,
  portChainName,
  portChainUses,
} from "../../../src/iptables/host-port-chain.ts";

const OWNER = "0123456789abcdef0123456789abcdef";
const NAME = "CNI-DN-0123456789abcdef01234";
const port = (hostPort: number, more: Partial<ListedPort> = {}): ListedPort => ({
  protocol: "tcp",
  hostAddress: undefined,
  hostPort,
  address: "10.1.0.2",
  containerPort: 80,
  ...more,
});
const chain = (...ports: ListedPort[]) => ({
  name: portChainName(OWNER),
  network: "pods",
  containerId: "1f2a",
  ports,
});

test("the chain of a pod, and what leads there", () => {
  expect(
    portChainLines(
      chain(
        port(8080),
        port(9090, { hostAddress: "192.168.50.1" }),
        port(53, { protocol: "udp" }),
        port(7, { protocol: "sctp" }),
      ),
      true,
    ),
  ).toEqual([
    "-N CNI-HOSTPORT-DNAT",
    `:${NAME} - [0:0]`,
    `-A ${NAME} -p tcp -m tcp --dport 8080 -m comment --comment "to 10.1.0.2:80" -j RETURN`,
    `-A ${NAME} -d 192.168.50.1/32 -p tcp -m tcp --dport 9090 -m comment --comment "to 10.1.0.2:80" -j RETURN`,
    `-A ${NAME} -p udp -m udp --dport 53 -m comment --comment "to 10.1.0.2:80" -j RETURN`,
    `-A ${NAME} -p sctp -m multiport --dports 7 -m comment --comment "to 10.1.0.2:80" -j RETURN`,
    `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"pods\\" id: \\"1f2a\\"" -m multiport --dports 8080,9090 -j ${NAME}`,
    `-A CNI-HOSTPORT-DNAT -p udp -m comment --comment "dnat name: \\"pods\\" id: \\"1f2a\\"" -m multiport --dports 53 -j ${NAME}`,
    `-A CNI-HOSTPORT-DNAT -p sctp -m comment --comment "dnat name: \\"pods\\" id: \\"1f2a\\"" -m multiport --dports 7 -j ${NAME}`,
  ]);
});

test("a rule takes 15 ports, and where there is a chain for all pods it is left as it is", () => {
  const many = chain(...Array.from({ length: 31 }, (_, at) => port(1000 + at)));
  const lines = portChainLines(many, false);
  expect(lines.filter((line) => line.includes("CNI-HOSTPORT-DNAT"))).toHaveLength(3);
  expect(lines[0]).toBe(`:${NAME} - [0:0]`);
  expect(portChainUses(many)).toEqual({ rules: 31, jumps: 3 });
});

test("GC knows a network's chains by the comments, and the reference's by their names", () => {
  const rule = (network: string, id: string, to: string) =>
    `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"${network}\\" id: \\"${id}\\"" -m multiport --dports 80 -j ${to}`;
  // sha512 of "pods" and "1f2a".
  const theirs = `CNI-DN-${createHash("sha512").update("pods1f2a").digest("hex").slice(0, 21)}`;
  expect(
    listPortChains(
      [
        rule("pods", "1f2a", NAME),
        rule("pods", "1f2a", NAME),
        rule("pods", "1f2a", theirs),
        rule("others", "1f2a", "CNI-DN-1"),
        rule("pods", "x", "OTHER"),
        "-A CNI-HOSTPORT-DNAT -j CNI-DN-2",
      ],
      "pods",
    ),
  ).toEqual([NAME]);
});
