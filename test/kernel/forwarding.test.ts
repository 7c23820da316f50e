// Forwarding is switched on without losing what routers told the host.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { forwarding } from "../../src/host/kind/forwarding/forwarding.ts";
import type { ForwardingStep } from "../../src/plan/step.ts";
import { Netns } from "../support/netns.ts";
import { sentenceOf } from "../support/sentence.ts";
import { waitFor } from "../support/wait.ts";
import { advertise } from "./advertise.ts";
import { attaching } from "./attach.ts";
import { addWire } from "./scene.ts";

const BOTH: ForwardingStep = { kind: "forwarding", families: [4, 6] };
const MEMBER = fileURLToPath(new URL("./forwarding-member.ts", import.meta.url));

function forward(host: Netns, step = BOTH): void {
  attaching({ host, pod: host }, (on) => forwarding.apply(step, on));
}

const setting = (host: Netns, path: string): string => host.run(`cat /proc/sys/net/${path}`).trim();
const verified = (host: Netns, step = BOTH): string | undefined =>
  sentenceOf(attaching({ host, pod: host }, (on) => forwarding.verify(step, on)));

test("forwarding is switched on for the families that are asked for, and for no other", () => {
  using host = Netns.open();
  host.run("sysctl -qw net.ipv4.ip_forward=0");
  expect(verified(host)).toMatch(/^forwarding of IPv4 is switched off .*ip_forward/);
  forward(host, { kind: "forwarding", families: [4] });
  expect([setting(host, "ipv4/ip_forward"), setting(host, "ipv6/conf/all/forwarding")]).toEqual(["1", "0"]);
  expect(verified(host)).toMatch(/^forwarding of IPv6 is switched off .*forwarding/);
  forward(host);
  forward(host);
  expect(verified(host)).toBeUndefined();
});

/** A host that has learnt its default route from a router on `up0`. */
async function withAdvertisedRoute(play: (host: Netns, hasRoute: () => boolean) => void): Promise<void> {
  using host = Netns.open();
  using router = Netns.open();
  host.run("ip link add up0 type veth peer name wire0");
  host.run(`ip link set wire0 netns ${router.path}`);
  // A router says where it is by its link-local address, at once.
  router.run("sysctl -qw net.ipv6.conf.wire0.accept_dad=0");
  host.run("sysctl -qw net.ipv6.conf.up0.accept_dad=0");
  host.run("ip link set up0 up");
  router.run("ip link set wire0 up");
  const hasRoute = () => host.run("ip -6 route show default proto ra").includes("dev up0");
  await waitFor("the host has learnt the route", () => advertise(router, "wire0") && hasRoute());
  play(host, hasRoute);
}

test("a default route that a router advertised stays, and only its link is set to go on listening", () =>
  withAdvertisedRoute((host, hasRoute) => {
    addWire(host, "other0", "other1");
    forward(host);
    expect(setting(host, "ipv6/conf/all/forwarding")).toBe("1");
    expect(hasRoute()).toBe(true);
    expect([setting(host, "ipv6/conf/up0/accept_ra"), setting(host, "ipv6/conf/other0/accept_ra")]).toEqual([
      "2",
      "1",
    ]);
  }));

test("the witness can tell: without the care the advertised route is lost", () =>
  withAdvertisedRoute((host, hasRoute) => {
    host.run("sysctl -qw net.ipv6.conf.all.forwarding=1");
    expect(hasRoute()).toBe(false);
  }));

test("a link with a route of another origin, or that was told not to listen, is left as it is", () => {
  using host = Netns.open();
  addWire(host, "up0", "up1");
  addWire(host, "deaf0", "deaf1");
  host.run("sysctl -qw net.ipv6.conf.deaf0.accept_ra=0");
  host.run("ip -6 route add fd09::/32 dev up0");
  host.run("ip -6 route add fd08::/32 dev deaf0 proto ra");
  forward(host);
  expect([setting(host, "ipv6/conf/up0/accept_ra"), setting(host, "ipv6/conf/deaf0/accept_ra")]).toEqual([
    "1",
    "0",
  ]);
});

test("an interface with dots in its name is no obstacle", () => {
  using host = Netns.open();
  addWire(host, "eth0.100", "peer");
  host.run("ip -6 route add fd08::/32 dev eth0.100 proto ra");
  forward(host);
  expect(setting(host, "ipv6/conf/eth0.100/accept_ra")).toBe("2");
});

test("where /proc/sys is read-only: fine when forwarding is on, a clear error when not", () => {
  using host = Netns.open();
  const readOnly = () => {
    const script = `mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec ${process.execPath} ${MEMBER}`;
    return host.run("unshare --mount --propagation private sh", script).trim();
  };
  expect(readOnly()).toMatch(
    /^140 kernel setting cannot be made: .*forward.*Cause: EROFS\. Hint: Switch it on by hand/,
  );
  forward(host);
  expect(readOnly()).toBe("done");
});
