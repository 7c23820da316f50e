// Source based routing in the pod, where the kernel takes one half of it and refuses the other.

import { expect, test } from "vitest";
import type { Attaching } from "../../src/host/attaching.ts";
import { pod } from "../../src/host/kind/pod/pod.ts";
import { sourceRouting } from "../../src/host/kind/source-routing/source-routing.ts";
import { veth } from "../../src/host/kind/veth/veth.ts";
import type { Message, NetlinkSocket } from "../../src/netlink/socket.ts";
import { RTM_NEWRULE } from "../../src/netlink/uapi/rtnetlink.ts";
import type { SourceRoutingStep } from "../../src/plan/step.ts";
import { errnoOf, SystemError } from "../../src/sys/errno.ts";
import { failure } from "../support/failure.ts";
import { address } from "../support/ip.ts";
import { onBridge, podRoute, podStep, VETH } from "./attach.ts";
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
  const error = onBridge(scene, (on) => {
    veth.apply(VETH, on);
    pod.apply(podStep(["10.1.0.2/24", "fd01::2/64"]), on);
    return failure(() => sourceRouting.apply(STEP, refusingSecondRule(on)));
  });
  expect(error).toMatchObject({ code: 123, details: expect.stringContaining("ENOMEM") as string });
  expect(rules()).toBe(before);
});

/** An ADD whose pod takes the first rule of a send alone. */
function refusingSecondRule(on: Attaching): Attaching {
  const transact: NetlinkSocket["transact"] = (messages) => {
    const isRefused = ({ type }: Message, at: number): boolean => type === RTM_NEWRULE && at > 0;
    const outcomes = on.pod.links.transact(messages.filter((message, at) => !isRefused(message, at)));
    const refusal = {
      errno: errnoOf("ENOMEM"),
      error: new SystemError("add a rule", errnoOf("ENOMEM")),
      replies: [],
    };
    return [...outcomes, ...messages.filter(isRefused).map(() => refusal)] as unknown as typeof outcomes;
  };
  const links = replaced(on.pod.links, "transact", transact);
  return replaced(on, "pod", replaced(on.pod, "links", links));
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
