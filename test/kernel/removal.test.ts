// Taking packet rules away, part by part: one that fails stops no other.
import { expect, test } from "vitest";
import type { FoundRules, Removal } from "../../src/host/kind.ts";
import { removeRules } from "../../src/host/removal.ts";
import { NFPROTO_INET } from "../../src/netlink/uapi/nf_tables.ts";
import type { Element } from "../../src/nft/element.ts";
import { SystemError } from "../../src/sys/errno.ts";
import { failure } from "../support/failure.ts";
import { onNode } from "./attach.ts";
import { Scene } from "./scene.ts";

/** A host with a set that holds 10.1.0.2. */
function sceneWithSet(): Scene {
  const scene = new Scene();
  scene.host.run(
    "nft add table inet t; add set inet t s { type ipv4_addr; }; add element inet t s { 10.1.0.2 }",
  );
  return scene;
}

const elements = (scene: Scene): string => scene.host.run("nft list set inet t s");

/** The removal of what the set holds. */
function removal(more: Partial<FoundRules> = {}): Removal {
  const key = new Uint8Array([10, 1, 0, 2]);
  const element: Element = {
    table: { family: NFPROTO_INET, name: "t", title: "table inet t" },
    set: "s",
    key,
    chain: "",
    comment: "",
  };
  return { rules: () => ({ elements: [element], isComplete: true, ...more }) };
}

function fail(): never {
  throw new SystemError("look up rules", 12);
}

test("a look-up of rules that fails keeps no element of others in", () => {
  using scene = sceneWithSet();
  onNode(scene.host, (node) => {
    expect(failure(() => removeRules([{ rules: fail }, removal()], node)).code).toBe(160);
  });
  expect(elements(scene)).not.toContain("10.1.0.2");
});

test("what goes behind the elements goes, whatever failed before it, and each failure is named", () => {
  using scene = sceneWithSet();
  let runs = 0;
  const afterwards = (): boolean => {
    runs++;
    throw new SystemError(`part ${runs}`, 5);
  };
  onNode(scene.host, (node) => {
    const removals = [{ rules: fail }, removal({ afterwards }), removal({ afterwards })];
    const { details } = failure(() => removeRules(removals, node));
    for (const part of ["look up rules", "part 1", "part 2"]) expect(details).toContain(part);
  });
  expect(runs).toBe(2);
});

test("a table that is not there is no failure", () => {
  using scene = new Scene();
  onNode(scene.host, (node) => expect(removeRules([removal({ isComplete: false })], node)).toBe(false));
});
