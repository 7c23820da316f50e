// The veth pair: the host's end is a port of a bridge or the node's alone, the pod's end is born inside the
// pod's namespace.
import { CniError } from "../../../cni/error.ts";
import { attempt, explain } from "../../../failure/failure.ts";
import {
  getLink,
  getLinkMessage,
  getLinks,
  type Indices,
  type Link,
  type LinkPort,
  readIndices,
} from "../../../net/link.ts";
import {
  changeLinkMessage,
  createVethMessage,
  type LinkChange,
  removeLink,
} from "../../../net/link-change.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { PortSettings, VethStep } from "../../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../../sys/errno.ts";
import { curable, type Difference, inPod, restorable, shellWord } from "../../difference.ts";
import type { Applying, Place, Renewal, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";
import { downEnd, HAIRPIN, ISOLATION, missingEnd, notPort, wrongSetting } from "../../sentence.ts";

export const veth: StepKind<VethStep> = {
  apply: createVeth,
  remove: ({ host }) => ({ links: [host.name] }),
  verify: verifyVeth,
  renew: renewPorts,
};

/**
 * Creates the pair and notes the index of its end in the pod. The interface must not exist in the pod. A host
 * end of that name is left by a dead attachment, since the ADD holds the attachment's record, and is
 * replaced. All requests go in one send: the kernel would drop or refuse the second request's settings in the
 * first, and the third asks for the index.
 */
function createVeth(step: VethStep, on: Applying): void {
  const { host, pod } = attempt("link", step.host.name, () => {
    const first = sendVeth(step, on);
    if (!(first instanceof SystemError)) return first;
    if (!isErrno(first, "EEXIST")) throw first;
    checkInterfaceIsFree(step.pod.name, on.pod);
    removeLink(on.node.links, step.host);
    const second = sendVeth(step, on);
    if (!(second instanceof SystemError)) return second;
    throw second;
  });
  on.hostIndex = host;
  on.podIndex = pod;
}

/**
 * Refuses a CNI_IFNAME that exists in the pod (CNI specification, ADD: an error, and the interface stays as
 * it is). Throws CniError and SystemError.
 */
export function checkInterfaceIsFree(name: string, pod: Pod): void {
  if (getLink(pod.links, { name }) === undefined) return;
  throw new CniError("interfaceExists", {
    about: `${JSON.stringify(name)} in ${pod.path}`,
    hint: "Run DEL for this container first, or ask for another CNI_IFNAME; the interface was left as it is",
  });
}

/** The problem with the pair; undefined when there is none. */
function verifyVeth(step: VethStep, on: Place): Difference | string | undefined {
  const { name, mac, isRaised } = step.pod;
  const pod = getLink(on.pod.links, { name });
  const title = `interface ${name} in the pod`;
  if (pod === undefined) return `${title} does not exist`;
  if (pod.kind !== "veth") return `${title} is not a veth`;
  const set = `ip link set dev ${shellWord(name)}`;
  if (isRaised && !pod.up) return curable(`${title} is down`, inPod(on.pod, `${set} up`));
  if (pod.mac !== mac)
    return curable(
      `${title} has the MAC ${pod.mac} instead of ${mac}`,
      inPod(on.pod, `${set} address ${mac}`),
    );
  return hostEndProblem(step, pod, on);
}

function hostEndProblem(step: VethStep, pod: Link, on: Place): Difference | string | undefined {
  const { port, group } = step;
  const { name } = step.host;
  const [host, bridge] = getLinks(on.node.links, [
    { name },
    ...(port === undefined ? [] : [{ name: port.bridge }]),
  ]);
  const title = `interface ${step.pod.name} in the pod`;
  const set = `ip link set dev ${name}`;
  if (host === undefined) return missingEnd(name);
  if (!host.up) return restorable(downEnd(name), `${set} up`);
  if (port !== undefined && (bridge === undefined || host.master !== bridge.index))
    return bridge === undefined ? notPort(name, port.bridge) : restorable(notPort(name, port.bridge));
  if (port === undefined && host.master !== 0)
    return curable(`${name} is a port of another interface`, `${set} nomaster`);
  if (group !== undefined && host.group !== group)
    return curable(
      `${name} is in link group ${host.group} instead of ${group}, by which the rules of the ingress policy know it`,
      `${set} group ${group}`,
    );
  if (pod.peerIndex !== 0 && pod.peerIndex !== host.index) return `${title} is not the other end of ${name}`;
  // Results before 1.0.0 name no MTU; without a record the two ends can only be compared with each other.
  const mtu = step.mtu ?? host.mtu;
  if (host.mtu !== mtu)
    return curable(`${name} has the MTU ${host.mtu} instead of ${mtu}`, `${set} mtu ${mtu}`);
  // A plugin behind Pontoon may have set a smaller MTU there (tuning does not tell it in its result); a
  // larger MTU loses packets.
  if (pod.mtu > mtu)
    return curable(
      `${title} has the MTU ${pod.mtu}, and the host's end takes ${mtu}`,
      inPod(on.pod, `ip link set dev ${shellWord(step.pod.name)} mtu ${mtu}`),
    );
  return host.port && port && portProblem(name, port, host.port);
}

/** A setting of a bridge port, with its word in `bridge link set`. */
interface PortSetting {
  title: string;
  word: string;
  is: boolean;
  wanted: boolean;
}

/**
 * The settings of a port that an ADD makes. A port that floods nothing gets no frames to all (ARP), to
 * groups, or to MACs that the bridge has not learned.
 */
function settingsOf({ hairpin, isolated, learns }: PortSettings, port: LinkPort): PortSetting[] {
  const { unicast, multicast, broadcast } = port.floods;
  return [
    { title: HAIRPIN, word: "hairpin", is: port.hairpin, wanted: hairpin },
    { title: ISOLATION, word: "isolated", is: port.isolated, wanted: isolated },
    { title: "learning", word: "learning", is: port.learning, wanted: learns ?? port.learning },
    { title: "locking", word: "locked", is: port.locked, wanted: false },
    { title: "flooding", word: "flood", is: unicast, wanted: true },
    { title: "flooding of multicast", word: "mcast_flood", is: multicast, wanted: true },
    { title: "flooding of broadcast", word: "bcast_flood", is: broadcast, wanted: true },
  ];
}

function portProblem(name: string, settings: PortSettings, port: LinkPort): Difference | undefined {
  const wrong = settingsOf(settings, port).filter(({ is, wanted }) => is !== wanted);
  const [first] = wrong;
  if (first === undefined) return undefined;
  const words = wrong.map(({ word, wanted }) => `${word} ${wanted ? "on" : "off"}`);
  return restorable(
    wrongSetting(first.title, name, first.is),
    `bridge link set dev ${name} ${words.join(" ")}`,
  );
}

/**
 * Puts ports back on their bridge, with their settings, and settings that were changed. A port that comes
 * back is down: VLANs and entries of the bridge come before it forwards (the step "announce").
 */
function renewPorts(steps: readonly VethStep[], node: Node): Renewal[] {
  return steps.flatMap(({ host: { name }, port }) =>
    port === undefined ? [] : [() => attempt("bridgePort", name, () => renewPort(name, port, node))],
  );
}

function renewPort(name: string, settings: PortSettings, { links }: Node): string | undefined {
  const [host, bridge] = getLinks(links, [{ name }, { name: settings.bridge }]);
  if (host === undefined || bridge?.kind !== "bridge") return undefined;
  const isOnBridge = host.master === bridge.index;
  const isRight =
    host.port !== undefined && settingsOf(settings, host.port).every(({ is, wanted }) => is === wanted);
  if (isOnBridge && isRight) return undefined;
  const { hairpin, isolated, learns } = settings;
  const kept: LinkChange = {
    hairpin,
    isolated,
    floods: true,
    ...(host.port?.locked === true ? { locked: false } : {}),
    ...(learns === undefined ? {} : { learning: learns }),
    ...(learns === false ? { forwardsLinkLocal: true } : {}),
  };
  const changes: LinkChange[] = isOnBridge ? [kept] : [{ up: false }, { master: bridge.index }, kept];
  links.execute(changes.map((change) => changeLinkMessage({ name }, change, `set up interface ${name}`)));
  return isOnBridge ? `port ${name} has its settings again` : `${name} is a port of ${bridge.name} again`;
}

/** The indices of the two ends, or the error with which the kernel refused the pair. */
function sendVeth(step: VethStep, on: Applying): Indices | SystemError {
  const { node } = on;
  const { host, pod, port, group } = step;
  const bridge = port && on.bridge;
  const mtu = step.mtu ?? bridge?.mtu;
  const create = createVethMessage({
    host,
    bridgeIndex: bridge?.index,
    pod,
    namespaceFd: on.pod.namespace.fd,
    mtu,
    group,
  });
  const [created, settled, got] = node.links.transact([
    create,
    settleMessage(step, { addressGeneration: "none" }),
    getLinkMessage({ name: host.name }),
  ]);
  if (created?.error !== undefined) return created.error;
  let refusal = settled?.error;
  // A link without IPv6 (ipv6.disable=1, or an MTU below 1280) does not know the setting, and gets no
  // address.
  if (isErrno(refusal, "EAFNOSUPPORT")) refusal = node.links.transact([settleMessage(step, {})])[0]?.error;
  const reply = got?.replies[0];
  if (refusal === undefined && reply !== undefined) return readIndices(reply);
  throw explainSettle(step, refusal ?? new SystemError(`find ${host.name}`, errnoOf("ENODEV")), node);
}

/** The settings of the port that differ from the kernel's defaults; the host's end is not up before them. */
function settleMessage({ host, port }: VethStep, more: LinkChange): Message {
  const { hairpin = false, isolated = false, learns } = port ?? {};
  const change: LinkChange = {
    ...more,
    ...(host.isRaisedFirst ? { up: true } : {}),
    alias: host.alias,
    ...(hairpin ? { hairpin } : {}),
    ...(isolated ? { isolated } : {}),
    ...(learns === false ? { learning: false, forwardsLinkLocal: true } : {}),
  };
  return changeLinkMessage({ name: host.name }, change, `set up interface ${host.name}`);
}

/** The error for a pair that refused its settings. The pair is removed at once. */
function explainSettle(step: VethStep, error: SystemError, node: Node): CniError {
  removeLink(node.links, step.host);
  return explain("link", step.host.name, error);
}
