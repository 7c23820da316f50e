// VLANs of bridge ports. What we ask the kernel is what `bridge` and `ip` of iproute2 ask, byte for byte,
// whether or not the kernel here can filter by VLANs; what it then does is shown by test/vlan.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import {
  addNativeVlanMessage,
  addTaggedVlansMessage,
  getVlanFiltering,
  listVlansMessage,
  removeVlansMessage,
} from "../../src/net/bridge-vlan.ts";
import { createBridgeMessage } from "../../src/net/link-change.ts";
import type { Message } from "../../src/netlink/socket.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from "../../src/netlink/uapi/netlink.ts";
import { Writer } from "../../src/netlink/writer.ts";
import { toHex } from "../support/golden.ts";
import { Netns } from "../support/netns.ts";
import { toolPath } from "../support/tool.ts";
import { mustIndex, Scene } from "./scene.ts";

const PORT = "veth0";

test.each<[string, (port: number) => Message, number]>([
  [
    "bridge vlan add dev veth0 vid 100 pvid untagged master",
    (port) => addNativeVlanMessage(port, 100),
    NLM_F_ACK,
  ],
  [
    "bridge vlan add dev veth0 vid 4094 master",
    (port) => addTaggedVlansMessage(port, { first: 4094, last: 4094 }),
    NLM_F_ACK,
  ],
  [
    "bridge vlan add dev veth0 vid 200-299 master",
    (port) => addTaggedVlansMessage(port, { first: 200, last: 299 }),
    NLM_F_ACK,
  ],
  [
    "bridge vlan del dev veth0 vid 1-4094 master",
    (port) => removeVlansMessage(port, { first: 1, last: 4094 }),
    NLM_F_ACK,
  ],
  ["bridge -compressvlans vlan show", () => listVlansMessage(), NLM_F_DUMP],
])("our request is that of: %s", (command, message, flags) => {
  using scene = new Scene().connect();
  const ours = message(mustIndex(scene.host, PORT));
  const w = new Writer();
  w.message(ours.type, ours.flags | NLM_F_REQUEST | flags, 0, ours.body);
  expect(requestsOf(scene.host, command)).toContain(toHex(w.written));
});

test("the settings of a bridge that filters are those of `ip link add`", () => {
  using host = Netns.open();
  const requests = requestsOf(host, "ip link add name br7 type bridge vlan_filtering 1");
  const ours = new Writer();
  ours.message(
    16,
    0,
    0,
    createBridgeMessage({ name: "br7", mac: "0a:00:00:00:00:01", vlanFiltering: true }).body,
  );
  // IFLA_LINKINFO is the last attribute of both; iproute2 does not mark it and its settings as nested, and
  // leaves out the NUL of "bridge".
  const settings = toHex(ours.written)
    .slice(-28 * 2)
    .replace("1c001280", "1c001200")
    .replace("0c000280", "0c000200")
    .replace("0b000100", "0a000100");
  expect(
    requests.some((request) => request.endsWith(settings)),
    `${settings} in ${requests.join(" ")}`,
  ).toBe(true);
});

test("a kernel that cannot filter is told from a bridge that does not, as `ip -d link` shows it", () => {
  using scene = new Scene();
  const shown = scene.host.run("ip -d link show br0");
  const known = shown.includes("vlan_protocol") ? "off" : "notInKernel";
  expect(getVlanFiltering(scene.host.links, { name: "br0" })).toBe(known);
  expect(getVlanFiltering(scene.host.links, { name: "lo" })).toBeUndefined();
  expect(getVlanFiltering(scene.host.links, { name: "nobody" })).toBeUndefined();
});

/**
 * The netlink requests of a command, as hexadecimal text with the sequence number taken out. Whether the
 * kernel did them is no matter.
 */
function requestsOf(netns: Netns, command: string): string[] {
  const [program = "", ...args] = command.split(" ");
  // In .tools/bin there is another program that is called bridge.
  const words = [
    toolPath("strace"),
    "-qq",
    "-e",
    "trace=sendmsg,sendto",
    "-e",
    "write=3,4,5",
    `/sbin/${program}`,
    ...args,
  ];
  const [file = "", ...rest] = netns.command(words);
  const { stderr } = spawnSync(file, rest, { encoding: "utf8", timeout: 10_000 });
  const dumps = stderr.split(/^send(?:msg|to)\(/m).slice(1);
  return dumps.map((dump) => {
    const bytes = [...dump.matchAll(/^ \| [0-9a-f]{5} {2}(.{48}) /gm)]
      .map(([, line = ""]) => line.replaceAll(" ", ""))
      .join("");
    return `${bytes.slice(0, 16)}00000000${bytes.slice(24)}`;
  });
}
