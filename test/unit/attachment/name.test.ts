import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { aliasOf, attachmentDigest, hostInterfaceName, keyOfAlias } from "../../../src/attachment/name.ts";
import { attachmentOf, KEY, theStep, V4 } from "../plan/input.ts";

test("names come from network, container and interface alone, and no two keys run together", () => {
  expect(attachmentDigest(KEY)).toBe(createHash("sha256").update("net\0c1\0eth0").digest("hex").slice(0, 32));
  expect(hostInterfaceName(KEY)).toBe(`veth${attachmentDigest(KEY).slice(0, 11)}`);
  expect(hostInterfaceName(KEY)).toHaveLength(15);
  const others = [
    { ...KEY, network: "netc1", containerId: "" },
    { ...KEY, containerId: "c1e" },
    { ...KEY, interfaceName: "eth1" },
  ];
  expect(new Set([KEY, ...others].map(attachmentDigest)).size).toBe(4);
});

test.each([
  ["network, container and interface", undefined, "pontoon net c1 eth0"],
  ["the pod too, where the runtime said it", "default/web-0", "pontoon net c1 default/web-0 eth0"],
  ["nothing that a terminal would act on", "a\u001b[2J\nb\u00e4", "pontoon net c1 a?[2J?b? eth0"],
])("the alias says %s", (_, pod, alias) => {
  expect(aliasOf(KEY, pod)).toBe(alias);
});

test("a long pod name is cut, so that the interface, which tells whose the link is, stands at the end all the same", () => {
  const alias = aliasOf(KEY, `default/${"p".repeat(250)}`);
  expect(alias).toHaveLength(255);
  expect(alias).toMatch(/^pontoon net c1 default\/p+ eth0$/);
  expect(aliasOf({ ...KEY, containerId: "c".repeat(236) }, "web-0")).toBe(
    `pontoon net ${"c".repeat(236)} w eth0`,
  );
});

test("the longest alias is as long as the kernel takes it", () => {
  const alias = aliasOf({ ...KEY, containerId: "c".repeat(300) }, "p".repeat(300));
  expect(alias).toHaveLength(255);
  expect(theStep("veth", attachmentOf({}, [V4], { pod: "p".repeat(300) })).host.alias).toHaveLength(255);
});

test("an alias names its key, with or without a pod; that of another program names none", () => {
  for (const pod of [undefined, "default/web-0"]) expect(keyOfAlias(aliasOf(KEY, pod))).toEqual(KEY);
  for (const alias of ["", "uplink of rack 7", "pontoon", "pontoon net", "pontoon net c1"])
    expect(keyOfAlias(alias)).toBeUndefined();
});
