// Token buckets as we make them, judged by `tc`.
import { expect, test } from "vitest";
import { getBucket, shapeMessage } from "../../src/net/traffic-control.ts";
import { mustIndex, Scene } from "./scene.ts";

/** A rate below 2^32 bytes in a second, and one above. */
test.each([1_250_000, 5_000_000_000])(
  "a rate of %i bytes in a second is the one that was asked for",
  (rate) => {
    using scene = new Scene().connect();
    const index = mustIndex(scene.host, "veth0");
    scene.host.links.execute([shapeMessage(index, { rate, burst: 1_000_000, limit: 2_000_000 })]);
    expect(getBucket(scene.host.links, index)).toEqual({ rate, limit: 2_000_000 });
    expect(scene.host.json("tc -j qdisc show dev veth0 root")).toMatchObject([
      { kind: "tbf", options: { rate } },
    ]);
  },
);
