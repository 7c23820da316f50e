// The hops at the two ends of a way: a pod with its interface, its end on the node, and who listens in it.
import { listFirewallHooks } from "../../host/forward/hook.ts";
import { formatAddress } from "../../ip/address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import type { StepName } from "../../plan/step.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { hears, shadowedPort, translatingHooks } from "../examine/host-port.ts";
import { examineNeighbours } from "../examine/neighbour.ts";
import { nameOf } from "../finding.ts";
import { addressText, type Endpoint, endOf } from "./endpoint.ts";
import { faultFrom, type Hop, stepHop } from "./hop.ts";

/** The steps of a pod's own interface, and those of its end on the node. */
const IN_POD: readonly StepName[] = ["pod", "wire", "device", "sourceRouting", "tuning"];

const ON_NODE: readonly StepName[] = [
  "bridge",
  "veth",
  "portVlan",
  "portMac",
  "spoofCheck",
  "nodeSpoofCheck",
  "arpCheck",
  "hostRoute",
  "bandwidth",
  "announce",
];

/** The packet leaves the pod. */
export function* sendingHops(one: SurveyedAttachment, context: Context): Generator<Hop> {
  const { link, addresses } = one.attachment;
  const texts = addresses.map(({ address }) => formatPrefix(address)).join(", ");
  // A link that is down is a difference of the step "veth", on whichever side.
  yield stepHop(
    one,
    { steps: IN_POD, sentence: `${nameOf(one)} has ${texts} on ${link.pod.name}, with its routes` },
    context,
  );
  yield { sentence: "no static neighbour misleads it", fault: faultFrom(examineNeighbours(context), one) };
  if (link.kind === "wire" || link.kind === "device") return;
  const on = link.kind === "bridgePort" ? ` and forwards on ${link.bridge.name}` : "";
  yield stepHop(one, { steps: ON_NODE, sentence: `${endOf(one)}, its end on the node, is up${on}` }, context);
}

/** The way of a pod whose packets do not pass the node. */
export function pastTheNode(from: SurveyedAttachment, { one, title }: Endpoint): Hop {
  const { key, link } = from.attachment;
  const isOther = one !== from && one?.attachment.key.network === key.network;
  if (link.kind === "device") return { sentence: `packets leave by ${link.former.name}, past the node` };
  const sentence = `the wire of network ${key.network} leads to ${title}`;
  if (isOther) return { sentence };
  return {
    sentence,
    fault: {
      code: "otherEndOfWire",
      subject: nameOf(from),
      severity: "error",
      sentence: `the wire of network ${key.network} leads to its other pod alone, and not to ${title}`,
      advice: "Give the pod a second network with a gateway",
      attachments: [from],
    },
  };
}

/** A host port leads to its pod. */
export function* hostPortHops(to: Endpoint, context: Context): Generator<Hop> {
  const { one, mapping, title } = to;
  if (one === undefined || mapping === undefined) {
    yield {
      sentence: title,
      fault: {
        code: "noHostPort",
        subject: title,
        severity: "error",
        sentence: `no pod has ${title}`,
        advice: '"pontoon ls" lists the host ports of pods',
      },
    };
    return;
  }
  yield stepHop(
    one,
    { steps: ["hostPorts"], sentence: `${title} leads to ${addressText(to)}, ${nameOf(one)}` },
    context,
  );
  const hooks = translatingHooks(listFirewallHooks(context.node));
  const shadow = shadowedPort({ one, mapping, port: to.hostPort ?? mapping.hostPort }, hooks, context);
  yield shadow?.severity === "note"
    ? { sentence: shadow.sentence, isUndecided: true }
    : { sentence: "no rule of others leads it elsewhere", fault: shadow };
}

/** The packet comes to the pod, and to the program there. */
export function* receivingHops(to: Endpoint, context: Context): Generator<Hop> {
  const one = to.one!;
  const { link } = one.attachment;
  if (link.kind !== "wire" && link.kind !== "device") {
    const on = link.kind === "bridgePort" ? `, a port of ${link.bridge.name},` : "";
    yield stepHop(one, { steps: ON_NODE, sentence: `${endOf(one)}${on} of ${nameOf(one)} is up` }, context);
  }
  yield stepHop(
    one,
    {
      steps: IN_POD,
      sentence: `${nameOf(one)} has ${to.address === undefined ? "its address" : formatAddress(to.address)}, and a route back`,
    },
    context,
  );
  yield {
    sentence: "no static neighbour misleads its answer",
    fault: faultFrom(examineNeighbours(context), one),
  };
  if (to.port !== undefined) yield listenerHop(to, context);
}

function listenerHop(to: Endpoint, context: Context): Hop {
  const { one, port = 0, protocol, address } = to;
  const facts = context.pods.find(({ surveyed }) => surveyed === one);
  const sentence = `a program in ${nameOf(one!)} listens on ${port}/${protocol}`;
  const wanted = {
    protocol,
    hostPort: port,
    hostPortEnd: port,
    containerPort: port,
    address: address === undefined ? "" : formatAddress(address),
  };
  if (facts?.listeners === undefined || facts.listeners.some((listener) => hears(listener, wanted)))
    return { sentence };
  const ports = [
    ...new Set(
      facts.listeners
        .filter((each) => each.protocol === protocol)
        .map((each) => `${formatAddress(each.address)}:${each.port}`),
    ),
  ];
  return {
    sentence,
    fault: {
      code: "nobodyListens",
      subject: nameOf(one!),
      severity: "error",
      sentence: `nobody in ${nameOf(one!)} listens on ${port}/${protocol}`,
      proof:
        ports.length === 0
          ? `no program in the pod listens by ${protocol}`
          : `the pod listens by ${protocol} on ${ports.slice(0, 5).join(", ")}`,
      advice: "Start the program in the pod, or correct the port",
      attachments: [one!],
    },
  };
}
