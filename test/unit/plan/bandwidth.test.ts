import { expect, test } from "vitest";
import { aliasOf, hostInterfaceName, ifbName } from "../../../src/attachment/name.ts";
import type { Shaping } from "../../../src/cni/bandwidth.ts";
import { bandwidthNotices, bandwidthStep } from "../../../src/plan/bandwidth.ts";
import { attachmentOf, KEY, V4 } from "./input.ts";

const plan = (egress: Shaping, bridgeMtu = 1500) => {
  const attachment = attachmentOf({ bandwidth: { egress, egressInPod: true } }, [V4], { bridgeMtu });
  return { ...bandwidthStep(attachment)?.egress, notices: bandwidthNotices(attachment).length };
};

test.each<[number, number, number, number]>([
  // bit/s: bytes in a second, burst, limit
  [8, 1, 16_000, 16_000],
  [123, 15, 16_000, 16_002],
  [1_000_000, 125_000, 16_000, 28_500],
  [9_999_992, 1_249_999, 16_000, 141_000],
  [10_000_000, 1_250_000, 16_000, 47_250],
  [100_000_000, 12_500_000, 125_000, 437_500],
  [1_000_000_000, 125_000_000, 1_250_000, 4_375_000],
  [10_000_000_000, 1_250_000_000, 1_250_000, 32_500_000],
  // More bytes than the kernel can count wait nowhere.
  [9_000_000_000_000_000, 1_125_000_000_000_000, 1_250_000, 4_294_967_295],
])("%d bit/s without a burst: %d bytes a second, %d at once, %d wait", (rate, bytes, burst, limit) => {
  expect(plan({ rate, burst: 0 })).toEqual({ rate: bytes, burst, limit, notices: 0 });
});

test("a given burst is taken up to a second of the rate, and is never less than a packet", () => {
  expect(plan({ rate: 8_000_000, burst: 8_000_000 })).toMatchObject({ burst: 1_000_000, notices: 0 });
  expect(plan({ rate: 8_000_000, burst: 8_000_001 })).toMatchObject({ burst: 16_000, notices: 1 });
  expect(plan({ rate: 8_000_000, burst: 8 })).toMatchObject({ burst: 1518, notices: 1 });
  expect(plan({ rate: 8_000_000, burst: 0 }, 65_535)).toMatchObject({ burst: 65_553, notices: 0 });
  expect(plan({ rate: 80_000, burst: 79_000 }, 65_535)).toMatchObject({ burst: 65_553, notices: 1 });
  expect(plan({ rate: 1e15, burst: 1e15 })).toMatchObject({ burst: 4_294_967_295, notices: 1 });
});

test("what a pod sends waits at a device of the node's, which is known by its name and alias; or inside the pod", () => {
  const egress = { rate: 8000, burst: 0 };
  const step = (egressInPod: boolean) =>
    bandwidthStep(attachmentOf({ bandwidth: { egress, egressInPod } }, [V4], { pod: "default/web" }));
  expect(step(false)).toMatchObject({
    kind: "bandwidth",
    key: KEY,
    hostInterface: hostInterfaceName(KEY),
    interfaceName: "eth0",
    ingress: undefined,
    ifb: { name: ifbName(KEY), mac: "0a:00:00:00:00:04", alias: aliasOf(KEY, "default/web"), mtu: 1500 },
  });
  expect(step(true)?.ifb).toBeUndefined();
  expect(bandwidthStep(attachmentOf())).toBeUndefined();
});
