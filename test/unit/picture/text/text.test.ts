import { describe, expect, test } from "vitest";
import type { Scene } from "../../../../src/picture/scene.ts";
import { isUnicode } from "../../../../src/picture/text/sign.ts";
import { textOf } from "../../../../src/picture/text/text.ts";
import { bridgeWith, brokenPod, podNumber, SCENES, sceneWith } from "../../../support/picture.ts";

const drawn = (scene: Scene, columns: number, more: { isAscii?: boolean; isWhole?: boolean } = {}): string =>
  textOf(scene, { terminal: { columns, hasColours: false }, isAscii: false, isWhole: false, ...more });

const podsOf = ({ segments }: Scene) =>
  segments.flatMap(({ networks }) => networks.flatMap(({ pods }) => pods));

describe.each(Object.entries(SCENES))("%s", (_, scene) => {
  test.each([60, 80, 100, 160])("fits %i columns, and boxes are closed", (columns) => {
    const lines = drawn(scene, columns).split("\n");
    expect(lines.filter((line) => line.length > columns || line.endsWith(" "))).toEqual([]);
    const corners = lines.map((line) => line.search(/[┐┘]$/)).filter((at) => at !== -1);
    const rows = lines.filter((line) => line.includes("┤ ")).map((line) => line.search(/│$/));
    expect(new Set([...corners, ...rows]).size).toBeLessThanOrEqual(1);
  });

  test("plain ASCII has the same lines", () => {
    const ascii = drawn(scene, 80, { isAscii: true });
    expect(ascii).toMatch(/^[ -~\n]*$/);
    expect(ascii.split("\n").map(({ length }) => length)).toEqual(
      drawn(scene, 80)
        .split("\n")
        .map(({ length }) => length),
    );
  });

  test("every pod and every address is there when all are asked for, and every sentence", () => {
    const words = drawn(scene, Number.POSITIVE_INFINITY, { isWhole: true })
      .replaceAll(/[│✗┆]/g, " ")
      .replaceAll(/\s+/g, " ");
    const wanted = podsOf(scene).flatMap(({ name, addresses, hostEnd, hostPorts, problems, facts }) => [
      ...[name, hostEnd, ...addresses, ...hostPorts, ...problems, ...facts],
    ]);
    const ends = [...scene.ways, ...scene.interfaces].flatMap(({ name, addresses, problems }) => [
      name,
      ...addresses,
      ...problems,
    ]);
    expect([...wanted, ...ends, ...scene.problems].filter((text) => !words.includes(text))).toEqual([]);
  });
});

test("three pods in 80 columns", () => {
  expect(`\n${drawn(SCENES["three pods"]!, 80)}`).toBe(`
 outside
 │  ┌────────────────────────────────────────────────────────────────────────┐
 ├──┤ uplink0  192.0.2.10/24  mtu 1500  gateway 192.0.2.1                    │
 │  └────────────────────────────────────────────────────────────────────────┘
 │
 ├─ node worker-1
 │  forwards IPv4, not IPv6
 │  ▲ masquerading: network pods leaves as 192.0.2.10
 │  ▼ host ports: 1
 │
 │  ┌────────────────────────────────────────────────────────────────────────┐
 └──┤ bridge cni0  10.222.0.1/16  mtu 1500                                   │
    │ network pods  3 pods  policy open                                      │
    └─┬──────────────────────────────────────────────────────────────────────┘
      │                    ┌─────────────────────────────────────────────────┐
      ├─ veth00000000000 ──┤ default/web-0  eth0  10.222.0.2  ◀ 8080->80/tcp │
      │                    ├─────────────────────────────────────────────────┤
      ├─ veth00000000001 ──┤ default/web-1  eth0  10.222.0.3                 │
      │                    ├─────────────────────────────────────────────────┤
      └─ veth00000000002 ──┤ default/web-2  eth0  10.222.0.4                 │
                           └─────────────────────────────────────────────────┘
`);
});

test("what is broken is red with its sentence, and nothing has a colour without a terminal", () => {
  const scene = sceneWith([bridgeWith([brokenPod(1), podNumber(2)])]);
  const coloured = textOf(scene, {
    terminal: { columns: 80, hasColours: true },
    isAscii: false,
    isWhole: false,
  });
  const red = [...coloured.matchAll(/\u001b\[31m([^\u001b]*)/g)].map(([, text]) => text);
  expect(red).toEqual(["✗", "default/web-1", "✗ the host's end of its veth pair is down"]);
  expect(drawn(scene, 80)).not.toContain("\u001b");
  expect(coloured.replaceAll(/\u001b\[\d+m/g, "").replaceAll(/ +$/gm, "")).toBe(drawn(scene, 80));
});

test.each([
  [{}, false],
  [{ LANG: "C" }, false],
  [{ LANG: "de_DE.UTF-8" }, true],
  [{ LANG: "C.utf8" }, true],
  [{ LANG: "de_DE.UTF-8", LC_CTYPE: "C" }, false],
  [{ LANG: "C", LC_CTYPE: "C.UTF-8" }, true],
  [{ LANG: "C.UTF-8", LC_ALL: "POSIX" }, false],
  [{ LANG: "C.UTF-8", LC_ALL: "" }, true],
])("the locale %j has UTF-8: %s", (environment, expected) => {
  expect(isUnicode(environment)).toBe(expected);
});
