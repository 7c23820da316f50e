// Whether all MACs of a bridge follow the addresses of its pods.
import { expect, test } from "vitest";
import { macsKeepFollowing } from "../../../src/attachment/mac.ts";
import { attachmentOf, V4, V6, type Wishes } from "../plan/input.ts";

interface Pod {
  /** What the bridge says; null: it is made only now. */
  before?: boolean | null;
  byOthers?: boolean;
  wishes?: Wishes;
  addresses?: string[];
}

test.each<[string, Pod, boolean]>([
  ["a pod like all others on its bridge", {}, true],
  ["the first pod of a bridge", { before: null }, true],
  [
    "the first pod of a bridge, whose addresses others gave out before",
    { before: null, byOthers: true },
    true,
  ],
  ["a pod with a MAC of its own", { wishes: { mac: "0a:00:00:00:00:03" } }, false],
  ["a bridge that does not say so", { before: false }, false],
  ["another program on the network", { byOthers: true }, false],
  ["a second IPv4 address", { addresses: [V4, "10.2.0.2/24 10.2.0.1"] }, false],
  ["IPv6 beside it", { addresses: [V4, V6] }, true],
  ["IPv6 alone", { addresses: [V6] }, true],
  ["a network that goes on beyond the bridge", { wishes: { isGateway: false } }, true],
  ["no address that we know", { wishes: { mac: "0a:58:0a:01:00:02" }, addresses: [] }, false],
])("%s: whether all MACs follow", (_, pod, follow) => {
  const { before = true, byOthers = false, wishes = {}, addresses = [V4] } = pod;
  expect(macsKeepFollowing(attachmentOf(wishes, addresses), before ?? undefined, byOthers)).toBe(follow);
});
