// Addresses as we set them, judged by `ip`; and those of `ip` read by us.
import { expect, test } from "vitest";
import { formatPrefix } from "../../src/ip/prefix.ts";
import { addAddressMessage, deleteAddressMessage, listAddresses } from "../../src/net/address.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import { addWire, mustIndex, refusal, Scene } from "./scene.ts";

interface IpAddress {
  family: string;
  local: string;
  prefixlen: number;
  broadcast?: string;
  scope: string;
  nodad?: boolean;
  tentative?: boolean;
  dynamic?: boolean;
}

function ipAddresses(netns: Netns, name: string): IpAddress[] {
  return netns
    .json<{ addr_info: IpAddress[] }[]>(`ip -j -d address show dev ${name}`)
    .flatMap(({ addr_info }) => addr_info);
}

test("an IPv4 address has its broadcast address and no end of life", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  pod.links.execute([addAddressMessage(mustIndex(pod, "eth0"), prefix("10.1.2.3/20"))]);
  const [found] = ipAddresses(pod, "eth0").filter(({ family }) => family === "inet");
  expect(found).toMatchObject({
    local: "10.1.2.3",
    prefixlen: 20,
    broadcast: "10.1.15.255",
    scope: "global",
  });
  expect(found).not.toHaveProperty("dynamic");
});

test.each(["10.1.2.3/32", "10.1.2.2/31"])("%s has no broadcast address: there is nobody to call", (text) => {
  using scene = new Scene().connect();
  const { pod } = scene;
  pod.links.execute([addAddressMessage(mustIndex(pod, "eth0"), prefix(text))]);
  expect(ipAddresses(pod, "eth0").filter(({ family }) => family === "inet")[0]).not.toHaveProperty(
    "broadcast",
  );
});

test("an IPv6 address skips duplicate detection, so it is in use within moments", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  pod.links.execute([addAddressMessage(mustIndex(pod, "eth0"), prefix("fd01::2/64"))]);
  const found = ipAddresses(pod, "eth0").find(({ local }) => local === "fd01::2");
  expect(found).toMatchObject({ prefixlen: 64, scope: "global", nodad: true });
});

test("an address that is there is EEXIST, one that is not is EADDRNOTAVAIL, a link that is not is ENODEV", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  for (const text of ["10.1.2.3/24", "fd01::2/64"]) {
    const add = () => pod.links.execute([addAddressMessage(index, prefix(text))]);
    const remove = () => pod.links.execute([deleteAddressMessage(index, prefix(text))]);
    add();
    expect(refusal(add)).toMatchObject({ errno: 17, operation: `add address ${text}` });
    remove();
    expect(refusal(remove)).toMatchObject({ errno: 99, operation: `remove address ${text}` });
    expect(refusal(() => pod.links.execute([addAddressMessage(4711, prefix(text))])).errno).toBe(19);
  }
});

test("a refusal carries the kernel's own sentence", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  pod.links.execute([addAddressMessage(index, prefix("10.1.2.3/24"))]);
  expect(refusal(() => pod.links.execute([addAddressMessage(index, prefix("10.1.2.3/24"))])).kernelText).toBe(
    "ipv4: Address already assigned",
  );
  expect(refusal(() => pod.links.execute([addAddressMessage(4711, prefix("10.1.2.3/24"))])).kernelText).toBe(
    "ipv4: Device not found",
  );
});

test("each of several requests in one send is answered for itself, and a refused one does not stop the next", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  const wanted = ["10.1.2.3/24", "10.1.2.3/24", "10.1.2.4/24"].map((text) =>
    addAddressMessage(index, prefix(text)),
  );
  expect(pod.links.transact(wanted).map(({ error }) => error?.errno)).toEqual([undefined, 17, undefined]);
  expect(
    ipAddresses(pod, "eth0")
      .filter(({ family }) => family === "inet")
      .map(({ local }) => local),
  ).toEqual(["10.1.2.3", "10.1.2.4"]);
});

test("the addresses of one link are listed, of both families, and those of no other link", () => {
  using scene = new Scene().connect();
  const { host } = scene;
  host.run("ip link add br1 up type bridge");
  host.run("ip address add 10.1.0.1/24 dev br0");
  host.run("ip address add 10.1.0.9/32 dev br0");
  host.run("ip address add fd01::1/64 dev br0 nodad");
  host.run("ip address add 10.2.0.1/24 dev br1");
  const listed = (name: string) => {
    const index = mustIndex(host, name);
    const found = listAddresses(host.links, index);
    expect(new Set(found.map((each) => each.index))).toEqual(new Set([index]));
    return found.map((each) => formatPrefix(each.prefix)).filter((text) => !text.startsWith("fe80"));
  };
  expect(listed("br0")).toEqual(["10.1.0.1/24", "10.1.0.9/32", "fd01::1/64"]);
  expect(listed("br1")).toEqual(["10.2.0.1/24"]);
});

test("of a link with a far end, the own address is the address", () => {
  using host = Netns.open();
  host.run("ip tuntap add dev t0 mode tun");
  host.run("ip address add 10.9.0.1 peer 10.9.0.2 dev t0");
  expect(listAddresses(host.links, mustIndex(host, "t0")).map((each) => formatPrefix(each.prefix))).toEqual([
    "10.9.0.1/32",
  ]);
});

test("an address that is still being tried is called tentative", () => {
  using host = Netns.open();
  addWire(host, "wire0", "wire1");
  host.run("ip address add fd01::1/64 dev wire0");
  const tentative = (name: string, text: string) =>
    listAddresses(host.links, mustIndex(host, name)).find((each) => formatPrefix(each.prefix) === text)
      ?.tentative;
  expect(tentative("wire0", "fd01::1/64")).toBe(true);
});

test("a list of a link that is not there is empty or refused, never somebody else's", () => {
  using scene = new Scene().connect();
  scene.host.run("ip address add 10.1.0.1/24 dev br0");
  expect(refusal(() => listAddresses(scene.host.links, 4711)).errno).toBe(19);
});
