// The last part of an ADD: the port forwards, and the neighbours hear of the pod.
import { expect, test } from "vitest";
import { announce } from "../../src/host/kind/announce/announce.ts";
import { pod } from "../../src/host/kind/pod/pod.ts";
import { veth } from "../../src/host/kind/veth/veth.ts";
import { failure } from "../support/failure.ts";
import { ipLink } from "../support/netns.ts";
import { waitFor } from "../support/wait.ts";
import { announceStep, onBridge, podStep, VETH } from "./attach.ts";
import { HOST_END, POD_END, Scene } from "./scene.ts";

const ADDRESSES = ["10.1.0.2/24", "fd01::2/64"];

/** Everything of an ADD that comes before the announcement. */
function attach(scene: Scene, addresses = ADDRESSES): void {
  onBridge(scene, (on) => {
    veth.apply(VETH, on);
    pod.apply(podStep(addresses), on);
  });
}

/** The announcement of an ADD that has come so far. */
function announcePod(scene: Scene, step = announceStep()): void {
  onBridge(scene, (on) => {
    on.podIndex = 2;
    announce.apply(step, on);
  });
}

function portState(scene: Scene): string | undefined {
  return ipLink(scene.host, HOST_END.name)?.linkinfo?.info_slave_data?.state;
}

test("a port forwards when the announcement returns, within a moment", () => {
  using scene = new Scene();
  attach(scene);
  const start = performance.now();
  announcePod(scene);
  expect(performance.now() - start).toBeLessThan(1_500);
  expect(portState(scene)).toBe("forwarding");
  expect(onBridge(scene, (on) => announce.verify(announceStep(), on))).toBeUndefined();
});

test("with the spanning tree protocol on, the announcement waits as long as the port listens and learns, and no longer", () => {
  using scene = new Scene();
  scene.host.run("ip link set br0 type bridge stp_state 1 forward_delay 200");
  attach(scene);
  expect(onBridge(scene, (on) => announce.verify(announceStep(), on))).toBe(
    "veth0 does not forward on bridge br0",
  );
  const start = performance.now();
  announcePod(scene);
  expect(portState(scene)).toBe("forwarding");
  expect(performance.now() - start).toBeLessThan(8_000);
});

test("a port whose bridge is down is a clear error after two seconds, not a wait of a minute", () => {
  using scene = new Scene();
  attach(scene);
  scene.host.run("ip link set br0 down");
  const start = performance.now();
  const error = failure(() => announcePod(scene));
  expect(performance.now() - start).toBeLessThan(4_000);
  expect(error).toMatchObject({ code: 112, message: "bridge port does not forward: veth0 on br0" });
  expect(error.details).toMatch(/Cause: .*bridge br0 is down\. Hint: Find out what took br0 down/);
  expect(error.details).not.toContain("spanning tree");
});

test("a port that somebody deleted meanwhile asks for another try", () => {
  using scene = new Scene();
  attach(scene);
  scene.host.run("ip link delete veth0");
  expect(failure(() => announcePod(scene))).toMatchObject({
    code: 11,
    message: expect.stringContaining("veth0 was deleted meanwhile"),
  });
});

test("where nothing has to be announced the port forwards all the same, and the pod can send at once", () => {
  using scene = new Scene();
  attach(scene);
  scene.host.run("ip address add 10.1.0.1/24 dev br0");
  announcePod(scene, announceStep({ addresses: [] }));
  expect(portState(scene)).toBe("forwarding");
  expect(ipLink(scene.pod, POD_END.name)?.operstate).toBe("UP");
  scene.pod.run("ping -c 1 -W 0.5 10.1.0.1");
});

test("nothing passes the port before that: the pod's rules are in place when it comes up", () => {
  using scene = new Scene();
  attach(scene);
  expect(portState(scene)).toBe("disabled");
  expect(ipLink(scene.pod, POD_END.name)?.flags).not.toContain("LOWER_UP");
});

test("who knew an older owner of the address hears of the new one, in both families", async () => {
  using scene = new Scene();
  const { host } = scene;
  host.run("ip address add 10.1.0.1/24 dev br0");
  host.run("ip address add fd01::1/64 dev br0 nodad");
  attach(scene);
  for (const address of ["10.1.0.2", "fd01::2"])
    host.run(`ip neighbour add ${address} lladdr 0a:00:00:00:00:99 dev br0 nud reachable`);
  announcePod(scene);
  for (const address of ["10.1.0.2", "fd01::2"]) {
    await waitFor(
      `the host knows the pod's MAC for ${address}`,
      () => host.run(`ip neighbour show ${address}`).includes(POD_END.mac),
      1_000,
    );
    expect(host.run(`ip neighbour show ${address}`)).not.toContain("0a:00:00:00:00:99");
  }
});
