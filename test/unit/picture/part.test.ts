import { expect, test } from "vitest";
import { partOf } from "../../../src/picture/part.ts";
import type { Scene } from "../../../src/picture/scene.ts";
import { bridgeWith, endNamed, networkOf, podNumber, sceneWith } from "../../support/picture.ts";

const web = podNumber(1, {
  name: "shop/web",
  addresses: ["10.1.0.2", "fd01::2"],
  hostPorts: ["8080-8082->80-82/tcp"],
});
const db = podNumber(2, { name: "shop/db" });
const red = podNumber(3, { name: "red", hostEnd: "" });
const blue = podNumber(4, { name: "blue", hostEnd: "" });
const scene = sceneWith(
  [
    bridgeWith([web, db], { networks: [networkOf([web]), networkOf([db], { name: "data" })] }),
    bridgeWith([], { title: "bridge spare0", addresses: ["10.3.0.1/24"], networks: [] }),
    {
      ...bridgeWith([]),
      kind: "wire",
      title: "wire",
      addresses: [],
      networks: [networkOf([red, blue], { name: "lab" })],
    },
  ],
  { interfaces: [endNamed("eth1", { addresses: ["10.9.0.1/24"] })] },
);

const podsIn = (part: Scene | undefined): string[] | undefined =>
  part?.segments.flatMap(({ networks }) => networks.flatMap(({ pods }) => pods.map(({ name }) => name)));

test.each([
  ["shop/web", ["shop/web"]],
  ["web", ["shop/web"]],
  ["id-1", ["shop/web"]],
  ["veth00000000001", ["shop/web"]],
  ["10.1.0.2", ["shop/web"]],
  ["fd01:0::2", ["shop/web"]],
  ["8081", ["shop/web"]],
  ["8082/tcp", ["shop/web"]],
  ["shop/", ["shop/web", "shop/db"]],
  ["data", ["shop/db"]],
  ["cni0", ["shop/web", "shop/db"]],
  ["bridge cni0", ["shop/web", "shop/db"]],
  ["10.222.0.1", ["shop/web", "shop/db"]],
  ["lab", ["red", "blue"]],
  ["red", ["red", "blue"]],
])("%s leaves %j", (word, names) => {
  expect(podsIn(partOf(scene, word))).toEqual(names);
});

test.each([["spare0"], ["10.3.0.1"]])("%s leaves the bridge that has no pods", (word) => {
  expect(partOf(scene, word)?.segments.map(({ title }) => title)).toEqual(["bridge spare0"]);
});

test.each([["eth1"], ["10.9.0.1"], ["10.9.0.1/24"]])("%s leaves the interface alone", (word) => {
  const { segments, interfaces } = partOf(scene, word) ?? scene;
  expect([segments, interfaces.map(({ name }) => name)]).toEqual([[], ["eth1"]]);
});

test("uplink0 leaves the way out", () => {
  expect(partOf(scene, "uplink0")).toMatchObject({ segments: [], interfaces: [], ways: scene.ways });
});

test.each([["8083"], ["8080/udp"], ["10.1.0.99"], ["nobody"], ["bridge"]])(
  "%s is nothing of the node",
  (word) => {
    expect(partOf(scene, word)).toBeUndefined();
  },
);

test("what a part does not show is not among its host ports and masquerades", () => {
  expect(partOf(scene, "data")).toMatchObject({ hostPorts: [], masquerades: [] });
  expect(partOf(scene, "web")).toMatchObject({ hostPorts: scene.hostPorts, masquerades: scene.masquerades });
});
