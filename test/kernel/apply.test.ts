// Steps in a row: all of them, or none but those on what pods share.
import { expect, test } from "vitest";
import { attachmentDigest } from "../../src/attachment/name.ts";
import { Rollback } from "../../src/failure/rollback.ts";
import type { Attaching } from "../../src/host/attaching.ts";
import { masquerade } from "../../src/host/kind/masquerade/nftables.ts";
import { verifySteps } from "../../src/host/verify.ts";
import type { MasqueradeStep, Step } from "../../src/plan/step.ts";
import { failure } from "../support/failure.ts";
import { address, prefix } from "../support/ip.ts";
import { ipLink } from "../support/netns.ts";
import { announceStep, attaching, KEY, podRoute, podStep, VETH } from "./attach.ts";
import { BRIDGE, HOST_END, POD_END, Scene } from "./scene.ts";

const ADDRESSES = ["10.1.0.2/24", "fd01::2/64"];

function steps(pod = podStep(ADDRESSES)): Step[] {
  return [
    { kind: "bridge", name: BRIDGE.name, promiscuous: false, filtersVlans: false, ignoresLinkLocal: false },
    {
      kind: "gateway",
      gatewayInterface: BRIDGE.name,
      addresses: ["10.1.0.1/24", "fd01::1/64"].map(prefix),
      others: [],
      force: false,
    },
    { kind: "forwarding", families: [4, 6] },
    VETH,
    pod,
    announceStep(),
  ];
}

/** Does the steps as an ADD does: what fails is taken back, and the error says what stayed. */
function applyOrUndo(on: Attaching, planned: Step[]): void {
  const rollback = new Rollback();
  rollback.add(() => on.undo());
  rollback.guard(() => on.apply(planned));
}

const apply = (scene: Scene, planned = steps()): void => attaching(scene, (on) => applyOrUndo(on, planned));
const verify = (scene: Scene): string[] =>
  attaching(scene, (on) => verifySteps(steps(), on)).map(({ sentence }) => sentence);

const ends = (scene: Scene): unknown[] => [
  ipLink(scene.host, HOST_END.name),
  ipLink(scene.pod, POD_END.name),
];

test("what the steps made they verify, and the pod answers the host at once", () => {
  using scene = new Scene();
  apply(scene);
  expect(verify(scene)).toEqual([]);
  for (const each of ["10.1.0.2", "fd01::2"]) scene.host.run(`ping -n -c 1 -W 1 ${each}`);
});

test("a step that fails takes those before it with it, and what pods share stays", () => {
  using scene = new Scene();
  const broken = podStep(ADDRESSES, [podRoute("10.9.0.0/16", { gateway: address("192.168.9.9") })]);
  const error = failure(() => apply(scene, steps(broken)));
  expect(error.code).toBe(123);
  expect(error.details).not.toContain("Not undone");
  expect(ends(scene)).toEqual([undefined, undefined]);
  expect(ipLink(scene.host, "br0")?.flags).toContain("UP");
});

test("a step that fails takes packet rules with it that another ADD put back for us before our turn came", () => {
  using scene = new Scene();
  const step: MasqueradeStep = {
    kind: "masquerade",
    key: KEY,
    gatewayInterface: BRIDGE.name,
    subnets: [prefix("10.1.0.0/24")],
    addresses: [address("10.1.0.2")],
  };
  const elements = (): string => scene.host.run("nft list map inet pontoon net4");
  attaching(scene, (on) => masquerade.apply(step, on));
  expect(elements()).toMatch(
    new RegExp(`10\\.1\\.0\\.2 comment "${attachmentDigest(KEY)} net c1 eth0" : goto net-`),
  );
  const broken = podStep(ADDRESSES, [podRoute("10.9.0.0/16", { gateway: address("192.168.9.9") })]);
  const planned = steps(broken);
  planned.splice(-1, 0, step);
  expect(failure(() => apply(scene, planned)).code).toBe(123);
  expect(elements()).not.toContain("10.1.0.2");
});

test("undoing what is gone already is no failure", () => {
  using scene = new Scene();
  attaching(scene, (on) => {
    on.apply(steps());
    scene.host.run("ip link delete veth0");
    expect(on.undo()).toEqual([]);
    expect(on.undo()).toEqual([]);
  });
  expect(ends(scene)).toEqual([undefined, undefined]);
});

test("every step that no longer holds has a sentence of its own, and verifying changes nothing", () => {
  using scene = new Scene();
  apply(scene);
  scene.host.run("sysctl -qw net.ipv4.ip_forward=0");
  scene.host.run("ip address del 10.1.0.1/24 dev br0");
  scene.pod.run("ip address del 10.1.0.2/24 dev eth0");
  scene.host.run("ip link set veth0 mtu 1300");
  expect(verify(scene)).toEqual([
    "br0 has no gateway address 10.1.0.1/24",
    expect.stringMatching(/^forwarding of IPv4 is switched off/),
    "veth0 has the MTU 1300 instead of 1400",
    "interface eth0 in the pod has no address 10.1.0.2/24",
  ]);
  expect(verify(scene)).toHaveLength(4);
});
