// An attachment as a shell script: the commands that make it, or take it away, in the order of an ADD or a
// DEL.
import type { Attachment } from "../attachment/attachment.ts";
import { CniError } from "../cni/error.ts";
import { stepsOf } from "../plan/steps.ts";
import { sha256 } from "../sys/hash.ts";
import { comment, sh } from "./shell.ts";
import { type Part, part, type Scene, type Undoing } from "./writer.ts";
import { writerOf } from "./writers.ts";

/** A script to print. */
export interface Subject {
  attachment: Attachment;
  /** The name of the pod's namespace. */
  netns: string;
  /** The place of the network's configuration, as a person wrote it. */
  source: string;
  /** Bytes: the MTU of a new bridge. */
  bridgeMtu: number;
}

/** The script that does what an ADD does. Throws CniError for a name that the commands cannot write. */
export function addScript(subject: Subject): string {
  const { attachment, netns } = subject;
  const { parts, scene } = begin(subject);
  parts.push(
    part(
      "The pod's namespace, as a runtime makes it.",
      `if [ ! -e ${sh`/run/netns/${netns}`} ]; then`,
      sh`    ip netns add ${netns}`,
      sh`    ip -n ${netns} link set dev lo up`,
      "fi",
    ),
  );
  const title = "What a runtime's ADD makes";
  const steps = stepsOf(attachment).map((step) => writerOf(step).add(step, scene));
  return scriptOf([...headOf(title, subject, "add"), "set -eu"], [parts, ...steps]);
}

/** The script that does what a DEL does. Throws CniError as {@link addScript}. */
export function delScript(subject: Subject): string {
  const { attachment, netns } = subject;
  const { scene } = begin(subject);
  const undoings = stepsOf(attachment).map((step): Undoing => writerOf(step).del?.(step, scene) ?? {});
  const shut = undoings.flatMap((each) => each.shut ?? []);
  const groups = [
    shut.slice(0, 1),
    ...(["rules", "links", "after"] as const).flatMap((turn) => undoings.map((each) => each[turn] ?? [])),
  ];
  const head = headOf("What a runtime's DEL takes away", subject, "del");
  const end = part(`The namespace stays; "ip netns delete ${netns}" removes it.`);
  return scriptOf([...head, "set -u"], [...groups, [end]]);
}

function begin({ attachment, netns, bridgeMtu }: Subject): { parts: Part[]; scene: Scene } {
  refuseNames(attachment);
  const { link } = attachment;
  const mac = macFor(link.kind === "bridgePort" ? link.bridge.name : "");
  return { parts: [], scene: { netns, bridge: { mac, mtu: bridgeMtu } } };
}

/** A MAC in the place of one that an ADD would draw: a script is the same each time it is printed. */
export function macFor(name: string): string {
  const digits = sha256(`mac\0${name}`).slice(0, 10).match(/../g) ?? [];
  return ["02", ...digits].join(":");
}

function headOf(title: string, { attachment, netns, source }: Subject, verb: string): string[] {
  const { network, containerId, interfaceName } = attachment.key;
  return [
    "#!/bin/sh",
    comment(`${title} for a pod of network ${network}, as commands to type: printed by`),
    comment(`"pontoon script ${verb}" of ${source}.`),
    "#",
    comment(
      `The pod has the namespace ${netns}, the interface ${interfaceName} and the container id ${containerId}.`,
    ),
    ...(verb === "add"
      ? [
          "# Run it as root. It keeps no lease and no record: Pontoon does not know of this pod, and may give",
          '# its addresses to another one. "pontoon script del" with the same words undoes it.',
        ]
      : ['# Run it as root, after that of "pontoon script add". It goes on when a thing is gone already.']),
    "",
  ];
}

function scriptOf(head: readonly string[], groups: readonly (readonly Part[])[]): string {
  const blocks = groups
    .filter((parts) => parts.length > 0)
    .map((parts) => parts.flatMap(({ why, lines }) => [comment(why), ...lines]).join("\n"));
  return `${[head.join("\n"), ...blocks].join("\n\n")}\n`;
}

/**
 * Refuses names of interfaces that one of the commands would read otherwise: nft has no word for a quote in
 * a name, sysctl ends a name at "=", and iptables takes "+" at the end for any ending.
 */
function refuseNames({ link }: Attachment): void {
  const names = [
    link.pod.name,
    ...(link.kind === "bridgePort" ? [link.bridge.name, link.gatewayInterface] : []),
  ];
  const bad = names.find((name) => !/^[^-!"=*+\\][^"=*+\\]*$/.test(name) || /[^!-~]/.test(name));
  if (bad === undefined) return;
  throw new CniError("invalidConfig", {
    about: `a script cannot name the interface ${JSON.stringify(bad)}`,
    cause: "the commands nft, sysctl or iptables have no word for such a name",
    hint: 'Use letters, digits and . _ - in the name of "bridge"',
  });
}
