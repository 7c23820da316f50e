// The picture in sentences, for those who cannot see it.
import { isReached, type Scene, type Segment } from "./scene.ts";

/** What the picture shows, in a few sentences: what there is, how much of it, and all that is wrong. */
export function descriptionOf(scene: Scene): string {
  const { node, ways, forwarding, masquerades, hostPorts, segments } = scene;
  const wayTexts = ways.map(({ name, addresses }) => [name, ...addresses].join(" "));
  const sentences = [
    ways.length === 0
      ? `Node ${node} has no default route`
      : `Node ${node} leads outside by ${wayTexts.join(" and ")}`,
    ...forwarding,
    ...masquerades.map(
      ({ network, as }) => `network ${network} leaves as ${as.join(" or ") || "an address of the node"}`,
    ),
    ...(hostPorts.length === 0 ? [] : [`host ports that lead to pods: ${hostPorts.length}`]),
    ...segments.map(segmentText),
    ...problemsOf(scene).map((problem) => `wrong: ${problem}`),
  ];
  return sentences.map((sentence) => `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`).join(" ");
}

function segmentText(segment: Segment): string {
  const count = segment.networks.reduce(
    (sum, { pods }) => sum + pods.filter(({ state }) => state !== "free").length,
    0,
  );
  const names = segment.networks.map(({ name }) => name).filter((name) => name !== "");
  const networks = names.length === 0 ? "" : `, network ${names.join(" and ")}`;
  const addresses = isReached(segment) ? segment.addresses.map((each) => ` ${each}`).join("") : "";
  return `${segment.title}${addresses}: ${count} pod${count === 1 ? "" : "s"}${networks}`;
}

/** All that is wrong in the picture, each with the name of what it is about. */
export function problemsOf({ node, problems, ways, interfaces, segments }: Scene): string[] {
  const about = (name: string, all: readonly string[]): string[] => all.map((each) => `${name}: ${each}`);
  return [
    ...about(node, problems),
    ...[...ways, ...interfaces].flatMap((each) => about(each.name, each.problems)),
    ...segments.flatMap((segment) => [
      ...about(segment.title, segment.problems),
      ...segment.networks.flatMap((network) => [
        ...about(network.name, network.problems),
        ...network.pods.flatMap((pod) => about(pod.name, pod.problems)),
      ]),
    ]),
  ];
}
