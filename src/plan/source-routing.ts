// Source based routing as a step: what a pod sends from an attachment's addresses leaves by that attachment,
// and the main table stays as others have it. Pure.
import { SCOPE_LINK, TABLE_MAIN } from "../cni/result.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { PodAddress } from "./add.ts";
import { podRoute } from "./route.ts";
import type { PodRoute, Step } from "./step.ts";

/**
 * Adds the step behind the one that sets up the pod's end. Default routes leave the main table, in which
 * another attachment may have its own; other routes are in both. Without a default route there is one by the
 * gateway of each family.
 */
export function insertSourceRouting(steps: Step[], addresses: PodAddress[]): void {
  const at = steps.findIndex(({ kind }) => kind === "pod");
  const pod = steps[at];
  if (pod?.kind !== "pod" || pod.addresses.length === 0) return;
  const own = pod.routes.filter(({ table }) => (table ?? TABLE_MAIN) === TABLE_MAIN);
  const given = own.filter(isDefault);
  const routes = [
    ...pod.addresses.flatMap(connected),
    ...own.filter((route) => !isDefault(route)),
    ...given,
    ...defaultsByGateway(addresses, given),
  ];
  steps[at] = { ...pod, routes: pod.routes.filter((route) => !given.includes(route)) };
  steps.splice(at + 1, 0, {
    kind: "sourceRouting",
    interfaceName: pod.interfaceName,
    sources: pod.addresses.map(({ address }) => address),
    routes,
  });
}

function isDefault({ dst }: PodRoute): boolean {
  return dst.length === 0;
}

/** The way to the address's own network, which the kernel puts into the main table only. */
function connected(prefix: Prefix): PodRoute[] {
  if (prefix.length === (prefix.address.family === 4 ? 32 : 128)) return [];
  return [podRoute({ dst: prefix, scope: prefix.address.family === 4 ? SCOPE_LINK : undefined }, [])];
}

function defaultsByGateway(addresses: PodAddress[], given: PodRoute[]): PodRoute[] {
  const routes: PodRoute[] = [];
  for (const { gateway } of addresses) {
    if (
      gateway === undefined ||
      [...given, ...routes].some(({ dst }) => dst.address.family === gateway.family)
    )
      continue;
    routes.push(
      podRoute(
        { dst: { address: { family: gateway.family, value: 0n }, length: 0 }, gw: gateway },
        addresses,
      ),
    );
  }
  return routes;
}
