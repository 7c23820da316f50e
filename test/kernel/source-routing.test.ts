// Source based routing in the pod, where the kernel takes one half of it and refuses the other.
import { expect, test } from "vitest";
import type { Machine } from "../../src/host/machine.ts";
import { setUpPod } from "../../src/host/steps/pod.ts";
import { routeBySource } from "../../src/host/steps/source-routing.ts";
import { createVeth } from "../../src/host/steps/veth.ts";
import type { Message, NetlinkSocket } from "../../src/netlink/socket.ts";
import { RTM_NEWRULE } from "../../src/netlink/uapi/rtnetlink.ts";
import type { SourceRoutingStep } from "../../src/plan/step.ts";
import { errnoOf, SystemError } from "../../src/sys/errno.ts";
import { failure } from "../support/failure.ts";
import { address } from "../support/ip.ts";
import { onMachine, podRoute, podStep, VETH } from "./attach.ts";
import { Scene } from "./scene.ts";

const STEP: SourceRoutingStep = {
  kind: "sourceRouting",
  interfaceName: "eth0",
  sources: [address("10.1.0.2"), address("fd01::2")],
  routes: [podRoute("0.0.0.0/0", { gateway: address("10.1.0.1") })],
};

test("of rules that were refused in part none stays, and the refusal is told", () => {
  using scene = new Scene();
  const rules = (): string => scene.pod.run("ip rule") + scene.pod.run("ip -6 rule");
  const before = rules();
  const error = onMachine(scene, (machine) => {
    const index = createVeth(VETH, machine, scene.bridgeIndex);
    setUpPod(podStep(["10.1.0.2/24", "fd01::2/64"]), machine, index);
    return failure(() => routeBySource(STEP, refusingSecondRule(machine), index));
  });
  expect(error).toMatchObject({ code: 123, details: expect.stringContaining("ENOMEM") as string });
  expect(rules()).toBe(before);
});

/** A machine whose pod takes the first rule of a send alone. */
function refusingSecondRule(machine: Machine): Machine {
  const { pod } = machine;
  const transact: NetlinkSocket["transact"] = (messages) => {
    const isRefused = ({ type }: Message, at: number): boolean => type === RTM_NEWRULE && at > 0;
    const outcomes = pod.links.transact(messages.filter((message, at) => !isRefused(message, at)));
    const refusal = {
      errno: errnoOf("ENOMEM"),
      error: new SystemError("add a rule", errnoOf("ENOMEM")),
      replies: [],
    };
    return [...outcomes, ...messages.filter(isRefused).map(() => refusal)] as unknown as typeof outcomes;
  };
  const links = replaced(pod.links, "transact", transact);
  return replaced(machine, "pod", replaced(pod, "links", links));
}

function replaced<Thing extends object>(thing: Thing, name: keyof Thing, value: unknown): Thing {
  return new Proxy(thing, {
    get: (target, key) => {
      if (key === name) return value;
      const own = Reflect.get(target, key, target) as unknown;
      return typeof own === "function" ? (own.bind(target) as unknown) : own;
    },
  });
}
