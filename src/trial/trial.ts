// The trial of a network: two pods come up, are measured, and go.
import { CniError } from "../cni/error.ts";
import { asCniError, sentencesOf } from "../failure/failure.ts";
import type { Node } from "../host/node.ts";
import { formatAddress } from "../ip/address.ts";
import { RECORD_ROOT } from "../record/store.ts";
import { type Chain, declaredCapabilities } from "../runtime/chain.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory, type FileHandle } from "../sys/file.ts";
import { openLock } from "../sys/flock.ts";
import { holdInterrupts, isInterrupted } from "../sys/interrupts.ts";
import { namedNamespace } from "../sys/named-namespace.ts";
import { randomBytes } from "../sys/random.ts";
import { fileStatus } from "../sys/status.ts";
import { endIfInterrupted } from "./end.ts";
import { type Finding, findingOf, skipped } from "./finding.ts";
import {
  measureEachOther,
  measureGateways,
  measureMtu,
  measureOutside,
  measurePort,
  type TriedPort,
} from "./measure.ts";
import { attachMember, type Member, memberNames, removeMember, removeRemains } from "./member.ts";

/** The lock of trials: one at a time, so that a trial may remove all that it finds of others. */
const LOCK = `${RECORD_ROOT}/.try-lock`;

/** The outcome of a trial. */
export interface Trial {
  findings: Finding[];
  /** The pods that are there, by the names of their namespaces. */
  kept: readonly string[];
}

/**
 * Tries a network. Whatever fails, all that was made is taken down again, unless `keeps`. Throws CniError
 * when it cannot begin. A signal that asks it to end (Ctrl-C) ends a measurement within a second or two; a
 * plugin that runs then, or for the DEL, has the time of `execute` before it is ended.
 */
export function tryNetwork(chain: Chain, keeps: boolean, node: Node): Trial {
  using _lock = lock();
  holdInterrupts();
  const remains = removeRemains({ node, folders: chain.folders });
  const names = memberNames(keeps, hasOneDevice(chain) ? 1 : 2);
  const taken = names.find((name) => fileStatus(namedNamespace(name)) !== undefined);
  if (taken !== undefined) throw keptAlready(names);
  const findings = remains.map((error) =>
    findingOf("what a killed trial has left is gone", sentenceOf(error)),
  );
  const begun: string[] = [];
  findings.push(...attachAndMeasure(names, chain, node, begun));
  if (keeps && !isInterrupted()) return { findings, kept: names };
  const silence = sentencesOf(begun.toReversed().flatMap((name) => removeMember(name, chain))).join("; ");
  findings.push(findingOf("all is taken down again by DEL", silence === "" ? undefined : silence));
  return { findings, kept: [] };
}

/** Attaches and measures the pods; `begun` gets the names of those whose attachment began. */
// biome-ignore lint/complexity/useMaxParams: an exception must not hide how far it came.
function attachAndMeasure(names: readonly string[], chain: Chain, node: Node, begun: string[]): Finding[] {
  const port = portOf(chain);
  const capabilities = port === undefined ? {} : { portMappings: [{ ...port, protocol: "tcp" }] };
  const findings: Finding[] = [];
  try {
    // The first pod has the host port.
    const members = names.map((name, at) => {
      endIfInterrupted();
      begun.push(name);
      return attachMember(name, { chain, node, capabilities: at === 0 ? capabilities : {} });
    });
    findings.push(findingOf(`attached by ADD: ${members.map(textOf).join("; ")}`, undefined));
    for (const measure of measurements(members, port, node)) {
      endIfInterrupted();
      findings.push(...measure());
    }
  } catch (error) {
    findings.push({ state: "failed", text: sentenceOf(asCniError(error)) });
  }
  return findings;
}

/** The measurements, in order. */
function measurements(
  members: readonly Member[],
  port: TriedPort | undefined,
  node: Node,
): (() => Finding[])[] {
  const [one, other] = members;
  if (one === undefined) return [];
  return [
    () => measureGateways(one, node),
    () =>
      other === undefined
        ? [skipped("pods reach each other: there is one device, so there was one pod")]
        : measureEachOther([one, other]),
    () => measureOutside(one, node),
    () => measureMtu(one, other),
    () =>
      port === undefined
        ? [skipped("host ports: no plugin of the network declares portMappings")]
        : measurePort(members, port, node),
  ];
}

function textOf({ name, addresses }: Member): string {
  return [name, ...addresses.map(formatAddress)].join(" ");
}

/** A port of the node for the trial, by chance; undefined where no plugin would be told. */
function portOf({ list }: Chain): TriedPort | undefined {
  if (!declaredCapabilities(list).has("portMappings")) return undefined;
  const [high = 0, low = 0] = randomBytes(2);
  return { hostPort: FIRST_PORT + (((high << 8) | low) % PORTS), containerPort: 80 };
}

/** Ports that neither services nor, by default, outgoing connections have (ip_local_port_range). */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** True for a network whose pods get a device of the node: a second pod would need a second one. */
function hasOneDevice({ list }: Chain): boolean {
  return list.plugins.some(({ attach }) => attach === "device");
}

function lock(): FileHandle {
  try {
    ensureDirectory(RECORD_ROOT);
    return openLock(LOCK, 0);
  } catch (error) {
    if (!isErrno(error, "ETIMEDOUT")) throw error;
    throw new CniError("tryAgainLater", {
      message: "another trial is running on this node",
      hint: `Wait for its end; "fuser ${LOCK}" tells who it is`,
    });
  }
}

function sentenceOf(error: CniError): string {
  return sentencesOf([error]).join();
}

function keptAlready(names: readonly string[]): CniError {
  return new CniError("ioFailure", {
    message: `the namespaces ${names.join(" and ")} of an earlier --keep are there`,
    hint: `Take them down with "pontoon cni del CONFLIST -n ${names[0]} --rm-netns", and the same for the others`,
  });
}
