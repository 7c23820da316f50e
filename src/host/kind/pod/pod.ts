// The pod's end: up, with its addresses and routes. All of it goes with the veth.
import { familyBits, formatAddress } from "../../../ip/address.ts";
import { formatPrefix, hasFamily, networkOf, samePrefix } from "../../../ip/prefix.ts";
import { listAddresses } from "../../../net/address.ts";
import { takesAdvertisements } from "../../../net/advertisement.ts";
import { getLink } from "../../../net/link.ts";
import type { PodRoute, PodStep } from "../../../plan/step.ts";
import type { Place, StepKind } from "../../kind.ts";
import { setUpWithDetection } from "./duplicate-detection.ts";
import { findMissingRoute } from "./route.ts";
import { setUp } from "./set-up.ts";

export const pod: StepKind<PodStep> = {
  apply(step, on) {
    const { detection, addresses } = step;
    if (detection === undefined || !hasFamily(addresses, 6)) setUp(step, on);
    else setUpWithDetection(step, detection, on);
  },
  verify: verifyPod,
};

/**
 * The problem with the pod's addresses and routes as a sentence; undefined when there is none. Addresses and
 * routes that other programs added are no problem.
 */
function verifyPod(step: PodStep, on: Place): string | undefined {
  const { links } = on.pod;
  const link = getLink(links, { name: step.interfaceName });
  if (link === undefined) return `interface ${step.interfaceName} in the pod does not exist`;
  const { index } = link;
  const present = listAddresses(links, index);
  const lost = step.addresses.find((wanted) => !present.some(({ prefix }) => samePrefix(prefix, wanted)));
  if (lost !== undefined)
    return `interface ${step.interfaceName} in the pod has no address ${formatPrefix(lost)}`;
  const useless = step.addresses.find((wanted) =>
    present.some(({ prefix, duplicate }) => duplicate && samePrefix(prefix, wanted)),
  );
  if (useless !== undefined)
    return `address ${formatPrefix(useless)} of ${step.interfaceName} in the pod is in DADFAILED state: somebody else has it`;
  const missing = findMissingRoute([...subnetRoutes(step), ...step.routes], links, index);
  if (missing === undefined) return advertisementProblem(step, on);
  const { dst, gateway, isGatewayAssumed } = missing;
  const via = gateway === undefined || isGatewayAssumed === true ? "" : ` via ${formatAddress(gateway)}`;
  return `the pod has no route to ${formatPrefix(dst)}${via} by ${step.interfaceName}`;
}

/** The routes to the subnets of addresses, which the kernel makes. A whole address has none. */
function subnetRoutes({ addresses, subnetsAreOnLink }: PodStep): PodRoute[] {
  if (!subnetsAreOnLink) return [];
  return addresses
    .filter(({ address, length }) => length < familyBits(address.family))
    .map((address) => ({ ...PLAIN_ROUTE, dst: networkOf(address) }));
}

const PLAIN_ROUTE = {
  gateway: undefined,
  onLink: false,
  mtu: undefined,
  advmss: undefined,
  priority: undefined,
  table: undefined,
  scope: undefined,
} as const;

/** The problem with a pod's end that another pod could give addresses and routes. */
function advertisementProblem({ interfaceName, ...step }: PodStep, { pod }: Place): string | undefined {
  if (step.addresses.length === 0 || step.mayHearRouters) return undefined;
  if (!pod.inside(() => takesAdvertisements(interfaceName))) return undefined;
  return `interface ${interfaceName} in the pod takes router advertisements, also of other pods (net.ipv6.conf.${interfaceName}.accept_ra)`;
}
