// ADD with the addresses of another plugin. In contrast to the built-in IPAM, which reserves before anything
// is made, that one runs when the interface is there, as with the reference bridge: `dhcp` asks for its
// addresses through it.
import type { AddRequest } from "../cni/request.ts";
import { type Applied, applySteps, undoSteps } from "../host/apply.ts";
import { asCniError, attempt, tryAll } from "../host/failure.ts";
import type { Machine } from "../host/machine.ts";
import type { ObservedBridge } from "../host/observe.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { refuseDuplicate } from "../ipam/duplicate.ts";
import { callIpam, type ForeignIpam, findIpam } from "../ipam/foreign.ts";
import { readReservation } from "../ipam/foreign-result.ts";
import { type AddInput, type PodAddress, planAdd } from "../plan/add.ts";
import { completeGateways } from "../plan/gateway.ts";
import type { Step } from "../plan/step.ts";
import type { AttachmentRecord } from "../record/attachment.ts";
import type { Intent } from "../record/intent.ts";
import { openRecordStore } from "../record/store.ts";
import {
  type Added,
  abandon,
  attach,
  attachmentOf,
  deletedMeanwhile,
  hostPortsOf,
  type Prepared,
  planInput,
  recordOf,
} from "./attach.ts";

/** An ADD that may ask its IPAM plugin: it has its intent, and nothing in the kernel yet. */
interface Foreign {
  ipam: ForeignIpam;
  input: AddInput;
  record: AttachmentRecord;
  intent: Intent;
}

/**
 * Attaches the pod with the addresses of the IPAM plugin `name`. Throws CniError; the machine is then as it
 * was, as after any ADD.
 */
export function addByForeignIpam(
  request: AddRequest,
  name: string,
  machine: Machine,
  bridge: ObservedBridge,
): Added {
  const ipam = findIpam(name, request);
  const foreign = announceIntent(request, ipam, machine, bridge);
  // What the plugin holds is given back when it was asked, also if it failed or was killed (CNI
  // specification, "Delegated plugin execution").
  let isAsked = false;
  const giveBack = (): string[] =>
    tryAll([
      () => {
        if (isAsked) callIpam(ipam, "DEL");
      },
      () => abandon(foreign.intent, foreign.record, machine),
    ]);
  try {
    const before = applySteps(
      planAdd(foreign.input).steps.filter((step) => !needsAddresses(step)),
      machine,
    );
    isAsked = true;
    const prepared = { ...reserve(foreign, machine, before), intent: foreign.intent, giveBack };
    return attach(request, machine, prepared, before);
  } catch (error) {
    throw asCniError(error).withNotUndone(giveBack());
  }
}

/**
 * Refuses a second attachment of that name, gives back what a dead one holds, and writes the intent: a killed
 * ADD is known to DEL and GC by it.
 */
function announceIntent(
  request: AddRequest,
  ipam: ForeignIpam,
  machine: Machine,
  bridge: ObservedBridge,
): Foreign {
  const attachment = attachmentOf(request, machine, undefined);
  const { records, key, host } = attachment;
  const input = planInput(request, bridge, { addresses: [], routes: [], ipamDns: {} });
  const record = recordOf(input, machine, host, undefined);
  const intent = attempt("recordStore", key.containerId, () => {
    const wasThere = records.hasRecord(key);
    refuseDuplicate(attachment);
    if (wasThere) callIpam(ipam, "DEL");
    return records.createIntent(record);
  });
  return { ipam, input, record, intent };
}

/**
 * Asks the IPAM plugin, plans what is left to do, and adds the addresses to the intent. What was done before
 * is undone when it fails.
 */
function reserve(
  { ipam, input, record, intent }: Foreign,
  machine: Machine,
  before: Applied,
): Pick<Prepared, "plan" | "record"> {
  try {
    const { addresses: given, routes, dns } = readReservation(ipam.name, callIpam(ipam, "ADD"));
    const addresses = input.netconf.isGateway ? completeGateways(given) : given;
    const whole = { ...input, addresses, routes, ipamDns: dns, hostPorts: addressedPorts(input, addresses) };
    const complete = {
      ...recordOf(whole, machine, record.host, undefined),
      foreignRoutes: routes.map(({ dst }) => formatPrefix(dst)),
    };
    const { steps, ...plan } = planAdd(whole);
    if (
      !attempt("recordStore", record.key.containerId, () => openRecordStore().extendIntent(intent, complete))
    )
      throw deletedMeanwhile();
    return { plan: { ...plan, steps: steps.filter(needsAddresses) }, record: complete };
  } catch (error) {
    throw asCniError(error).withNotUndone(undoSteps(before.steps, machine));
  }
}

/** The host ports with the addresses. Hairpin stays as the veth was made with it. */
function addressedPorts(
  { netconf, hostPorts: before }: AddInput,
  addresses: PodAddress[],
): AddInput["hostPorts"] {
  const ports = netconf.hostPorts && hostPortsOf(netconf.hostPorts, netconf, addresses);
  return ports && { ...ports, hairpin: before?.hairpin === true };
}

/** All others come before: they make the interface. */
function needsAddresses({ kind }: Step): boolean {
  return (
    kind === "vlanGateway" ||
    kind === "gateway" ||
    kind === "forwarding" ||
    kind === "pod" ||
    kind === "sourceRouting" ||
    kind === "tuning" ||
    kind === "masquerade" ||
    kind === "hostPorts" ||
    kind === "ingressPolicy" ||
    kind === "announce"
  );
}
