// The pod's end: up, with its addresses and routes. All of it goes with the veth.
import { formatAddress } from "../../../ip/address.ts";
import { formatPrefix, hasFamily, isSingle, networkOf, type Prefix, samePrefix } from "../../../ip/prefix.ts";
import { listAddresses } from "../../../net/address.ts";
import { takesAdvertisements } from "../../../net/advertisement.ts";
import { getLink } from "../../../net/link.ts";
import { readSysctl } from "../../../net/sysctl.ts";
import type { PodRoute, PodStep } from "../../../plan/step.ts";
import { curable, type Difference, inPod, shellWord, sysctlCommand } from "../../difference.ts";
import type { Place, StepKind } from "../../kind.ts";
import type { Pod } from "../../pod.ts";
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
 * The problem with the pod's addresses and routes; undefined when there is none. Addresses and routes that
 * other programs added are no problem.
 */
function verifyPod(step: PodStep, on: Place): Difference | string | undefined {
  const { links } = on.pod;
  const link = getLink(links, { name: step.interfaceName });
  if (link === undefined) return `interface ${step.interfaceName} in the pod does not exist`;
  const { index } = link;
  if (!link.up)
    return curable(
      `interface ${step.interfaceName} in the pod is down`,
      raiseCommand(step, { index, pod: on.pod }),
    );
  const present = listAddresses(links, index);
  const lost = step.addresses.find((wanted) => !present.some(({ prefix }) => samePrefix(prefix, wanted)));
  if (lost !== undefined)
    return curable(
      `interface ${step.interfaceName} in the pod has no address ${formatPrefix(lost)}`,
      addressCommand(step, lost, { index, pod: on.pod }),
    );
  const useless = step.addresses.find((wanted) =>
    present.some(({ prefix, duplicate }) => duplicate && samePrefix(prefix, wanted)),
  );
  if (useless !== undefined)
    return `address ${formatPrefix(useless)} of ${step.interfaceName} in the pod is in DADFAILED state: somebody else has it`;
  const missing = findMissingRoute([...subnetRoutes(step), ...step.routes], links, index);
  if (missing === undefined) return advertisementProblem(step, on);
  const { dst, gateway, isGatewayAssumed } = missing;
  const via = gateway === undefined || isGatewayAssumed === true ? "" : ` via ${formatAddress(gateway)}`;
  return curable(
    `the pod has no route to ${formatPrefix(dst)}${via} by ${step.interfaceName}`,
    inPod(on.pod, routeCommand(missing, step.interfaceName)),
  );
}

/** The commands that raise the pod's end and give it back what went: routes, and addresses of IPv6. */
function raiseCommand({ interfaceName, detection, addresses, routes }: PodStep, { index, pod }: End): string {
  const present = listAddresses(pod.links, index);
  const lost = addresses.filter((wanted) => !present.some(({ prefix }) => samePrefix(prefix, wanted)));
  return [
    `ip link set dev ${shellWord(interfaceName)} up`,
    ...lost.map((each) => addWords(each, interfaceName, detection)),
    ...routes.map((route) => routeCommand(route, interfaceName)),
  ]
    .map((command) => inPod(pod, command))
    .join(" && ");
}

function addWords(address: Prefix, interfaceName: string, detection: PodStep["detection"]): string {
  const noDetection = address.address.family === 6 && detection === undefined ? " nodad" : "";
  return `ip address add ${formatPrefix(address)} dev ${shellWord(interfaceName)}${noDetection}`;
}

/** The least MTU of a link with IPv6 (RFC 8200, 5): below it the kernel takes IPv6 off the link. */
const IPV6_LEAST_MTU = 1280;

/** An interface that gets IPv6 again has the kernel's settings. */
function enlargeCommands(interfaceName: string, mayHearRouters: boolean | undefined): string[] {
  return [
    `ip link set dev ${shellWord(interfaceName)} mtu ${IPV6_LEAST_MTU}`,
    ...(mayHearRouters === true ? [] : [sysctlCommand(`ipv6/conf/${interfaceName}/accept_ra`, "0")]),
  ];
}

/** The pod's end. */
interface End {
  index: number;
  pod: Pod;
}

/** The commands that give the pod's end an address, and the routes that had gone with it. */
function addressCommand(
  { interfaceName, detection, routes, mayHearRouters }: PodStep,
  lost: Prefix,
  { index, pod }: End,
): string {
  const { family } = lost.address;
  const gone = routes.filter(
    (route) =>
      route.dst.address.family === family && findMissingRoute([route], pod.links, index) !== undefined,
  );
  const setting = `ipv6/conf/${interfaceName}/disable_ipv6`;
  const isOff = family === 6 && pod.inside(() => readSysctl(setting)) === "1";
  const isSmall = family === 6 && (getLink(pod.links, { index })?.mtu ?? IPV6_LEAST_MTU) < IPV6_LEAST_MTU;
  return [
    ...(isOff ? [sysctlCommand(setting, "0")] : []),
    ...(isSmall ? enlargeCommands(interfaceName, mayHearRouters) : []),
    addWords(lost, interfaceName, detection),
    ...gone.map((route) => routeCommand(route, interfaceName)),
  ]
    .map((command) => inPod(pod, command))
    .join(" && ");
}

/** The command that gives the pod a route. */
function routeCommand(route: PodRoute, interfaceName: string): string {
  const { dst, gateway, onLink, source, mtu, advmss, priority, table, scope } = route;
  const words = [
    `ip ${dst.address.family === 6 ? "-6 " : ""}route add ${formatPrefix(networkOf(dst))}`,
    ...(gateway === undefined ? [] : [`via ${formatAddress(gateway)}`]),
    `dev ${shellWord(interfaceName)}`,
    ...(onLink ? ["onlink"] : []),
    ...(source === undefined ? [] : [`src ${formatAddress(source)}`]),
    ...(priority === undefined ? [] : [`metric ${priority}`]),
    ...(table === undefined ? [] : [`table ${table}`]),
    ...(scope === undefined ? [] : [`scope ${scope}`]),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
    ...(advmss === undefined ? [] : [`advmss ${advmss}`]),
  ];
  return words.join(" ");
}

/** The routes to the subnets of addresses, which the kernel makes. A whole address has none. */
function subnetRoutes({ addresses, subnetsAreOnLink }: PodStep): PodRoute[] {
  if (!subnetsAreOnLink) return [];
  return addresses
    .filter((address) => !isSingle(address))
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
function advertisementProblem({ interfaceName, ...step }: PodStep, { pod }: Place): Difference | undefined {
  if (step.addresses.length === 0 || step.mayHearRouters) return undefined;
  if (!pod.inside(() => takesAdvertisements(interfaceName))) return undefined;
  return curable(
    `interface ${interfaceName} in the pod takes router advertisements, also of other pods (net.ipv6.conf.${interfaceName}.accept_ra)`,
    inPod(pod, sysctlCommand(`ipv6/conf/${interfaceName}/accept_ra`, "0")),
  );
}
