import { expect, test } from "vitest";
import { foldPods, foldText, withSharedProblems } from "../../../src/picture/fold.ts";
import { brokenPod, networkOf, podNumber, podNumbers } from "../../support/picture.ts";

const named = (pods: { name: string }[]): string[] => pods.map(({ name }) => name.replace("default/", ""));

test("of 250 pods those with problems or host ports are shown first, then three others", () => {
  const open = podNumber(100, { hostPorts: ["80->80/tcp"] });
  const pods = [...podNumbers(100), open, brokenPod(101), podNumber(102, { state: "starting" })];
  const { shown, folded } = foldPods(networkOf([...pods, ...podNumbers(250).slice(103)]), false);
  expect(named(shown)).toEqual(["web-101", "web-102", "web-100", "web-0", "web-1", "web-2"]);
  expect(folded).toHaveLength(244);
});

test("every broken pod is shown, however many there are", () => {
  const pods = podNumbers(250).map((_, number) => brokenPod(number));
  expect(foldPods(networkOf(pods), false)).toEqual({ shown: pods, folded: [] });
});

test("of more than 24 pods with host ports the others are counted, and it is said that they have some", () => {
  const pods = podNumbers(250).map((pod) => ({ ...pod, hostPorts: ["80->80/tcp"] }));
  const { shown, folded } = foldPods(networkOf([...pods, podNumber(250), brokenPod(251)]), false);
  expect([named(shown).slice(0, 2), shown.length]).toEqual([["web-251", "web-0"], 25]);
  expect(foldText(folded)).toBe("227 more pods, 226 of them with host ports, 10.222.0.26 to 10.222.0.252");
  expect(foldText(pods.slice(0, 2))).toBe("2 more pods, with host ports, 10.222.0.2 to 10.222.0.3");
});

test("24 pods are all shown, 25 are not, and with isWhole all are", () => {
  expect(foldPods(networkOf(podNumbers(24)), false).folded).toEqual([]);
  expect(foldPods(networkOf(podNumbers(25)), false).folded).toHaveLength(22);
  expect(foldPods(networkOf(podNumbers(250)), true).shown).toEqual(podNumbers(250));
});

test.each([
  [podNumbers(250).slice(3), "247 more pods, 10.222.0.5 to 10.222.0.251"],
  [podNumbers(300).reverse(), "300 more pods, 10.222.0.2 to 10.222.1.45"],
  [[podNumber(1)], "1 more pod, 10.222.0.3"],
  [[podNumber(1, { addresses: [] })], "1 more pod"],
  [
    [
      podNumber(1, { addresses: ["10.1.0.9", "fd00::9"] }),
      podNumber(2, { addresses: ["10.1.0.10", "fd00::10"] }),
    ],
    "2 more pods, 10.1.0.9 to 10.1.0.10, fd00::9 to fd00::10",
  ],
])("the pods that are counted have their lowest and highest address beside them: %#", (pods, text) => {
  expect(foldText(pods)).toBe(text);
});

test("a sentence about all pods of a network is said once, about the network", () => {
  const own = brokenPod(3, { problems: ["the bridge is down", "it is alone"] });
  const both = [brokenPod(1, { problems: ["the bridge is down"] }), own];
  const { pods, problems } = withSharedProblems(networkOf(both));
  expect(problems).toEqual(["the bridge is down"]);
  expect(pods.map((pod) => pod.problems)).toEqual([[], ["it is alone"]]);
  expect(withSharedProblems(networkOf([own]))).toEqual(networkOf([own]));
});
