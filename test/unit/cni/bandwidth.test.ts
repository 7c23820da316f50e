import { expect, test } from "vitest";
import { needsIfb, readBandwidth } from "../../../src/cni/bandwidth.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import type { Shape } from "../../../src/cni/netconf-keys.ts";
import { Problems } from "../../../src/cni/problems.ts";

const read = (shape: Shape) => {
  const problems = new Problems();
  return { ...readBandwidth(shape, problems), problems: problems.texts };
};
const of = (rate: number, burst = 0) => ({ rate, burst });

test.each<[string, Shape, object]>([
  [
    "the entry's, where the runtime says nothing",
    { ingressRate: 1000, ingressBurst: 10, egressRate: 2000 },
    { ingress: of(1000, 10), egress: of(2000) },
  ],
  [
    "the runtime's, where the entry says nothing",
    { runtimeConfig: { bandwidth: { ingressRate: 1000, egressRate: 2000, egressBurst: 20 } } },
    { ingress: of(1000), egress: of(2000, 20) },
  ],
  [
    "the runtime's before the entry's, each direction for itself",
    { ingressRate: 1000, egressRate: 2000, runtimeConfig: { bandwidth: { ingressRate: 500 } } },
    { ingress: of(500), egress: of(2000) },
  ],
  [
    "the runtime's with a burst of its own",
    { ingressRate: 1000, ingressBurst: 10, runtimeConfig: { bandwidth: { ingressRate: 500 } } },
    { ingress: of(500) },
  ],
  [
    "the entry's, where the runtime sends zeros",
    {
      ingressRate: 1000,
      runtimeConfig: { bandwidth: { ingressRate: 0, ingressBurst: 0, egressRate: 0, egressBurst: 0 } },
    },
    { ingress: of(1000) },
  ],
  [
    "the runtime's, where the entry has zeros",
    { ingressRate: 0, egressBurst: 0, runtimeConfig: { bandwidth: { egressRate: 500 } } },
    { egress: of(500) },
  ],
])("of two places counts: %s", (_, shape, expected) => {
  expect(read(shape)).toEqual({
    ingress: undefined,
    egress: undefined,
    egressInPod: false,
    problems: [],
    ...expected,
  });
});

test("nothing but zeros is no limit", () => {
  expect(read({ ingressRate: 0, runtimeConfig: { bandwidth: { egressRate: 0, egressBurst: 0 } } })).toEqual({
    problems: [],
  });
});

test("what is wrong is named where it stands, in both places", () => {
  expect(
    read({
      ingressRate: -1,
      egressBurst: 5,
      runtimeConfig: { bandwidth: { egressRate: 7, ingressBurst: -5 } },
    }).problems,
  ).toEqual([
    "runtimeConfig.bandwidth.ingressBurst -5: must be a number of bits, or 0 (pontoon decides)",
    "ingressRate -1: must be 0 (no limit) or at least 8 bit/s",
    "runtimeConfig.bandwidth.egressRate 7: must be 0 (no limit) or at least 8 bit/s",
  ]);
});

test("containerd's spelling is understood, and a foreign IPAM plugin does not hide the keys", () => {
  const bandwidth = { IngressRate: 1000, IngressBurst: 4294967295, EgressRate: 0, EgressBurst: 0 };
  for (const more of [{}, { ipam: { type: "static" } }]) {
    const text = JSON.stringify({ cniVersion: "1.0.0", name: "pods", runtimeConfig: { bandwidth }, ...more });
    expect(parseNetconf(text, "CHECK").bandwidth?.ingress).toEqual(of(1000, 4294967295));
  }
});

test("an ifb is for what the pod sends, unless that is held back inside it", () => {
  expect(needsIfb({ egress: of(1000), egressInPod: false })).toBe(true);
  expect(needsIfb({ egress: of(1000), egressInPod: true })).toBe(false);
  expect(needsIfb({ ingress: of(1000), egressInPod: false })).toBe(false);
});
