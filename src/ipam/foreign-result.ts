// The reservation of a foreign IPAM plugin: its result in any version, or without one, checked like all
// input.
import { CniError } from "../cni/error.ts";
import { Problems } from "../cni/problems.ts";
import type { Dns, ResultIp, Route } from "../cni/result.ts";
import { readResult } from "../cni/result-parse.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";

/** The addresses, routes and dns of the pod. */
export interface ForeignReservation {
  addresses: { address: Prefix; gateway: Address | undefined }[];
  routes: Route[];
  dns: Dns;
}

/**
 * The reservation in the output of the plugin `name`. Throws CniError ipamPlugin when it cannot be used, or
 * has no address.
 */
export function readReservation(name: string, text: string): ForeignReservation {
  const problems = new Problems();
  const { ips, routes, dns } = readResult(parse(name, text) ?? {}, "result", problems);
  for (const ip of ips) checkGateway(ip, problems);
  if (!problems.isEmpty) throw unusable(name, problems.texts);
  if (ips.length === 0) throw withoutAddress(name);
  return {
    addresses: ips.map(({ address, gateway }) => ({ address, gateway })),
    // Destinations without host bits: the kernel takes routes so, and the result says the equal text.
    routes: routes.map((route) => ({ ...route, dst: networkOf(route.dst) })),
    dns,
  };
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable(name, [text.trim() === "" ? "it is empty" : "it is no JSON"]);
  }
}

function checkGateway({ address, gateway }: ResultIp, problems: Problems): void {
  if (gateway === undefined || gateway.family === address.address.family) return;
  problems.addAt(
    "result.ips",
    `the gateway ${formatAddress(gateway)} of ${formatPrefix(address)} must be of the family of its address`,
  );
}

function unusable(name: string, reasons: string[]): CniError {
  return new CniError("ipamPlugin", {
    about: `${name} gave a result that cannot be used`,
    cause: reasons.join("; "),
    hint: "Look at what this IPAM plugin logs, and whether its version fits the configuration",
  });
}

function withoutAddress(name: string): CniError {
  return new CniError("ipamPlugin", {
    message: "IPAM plugin returned missing IP config",
    attempted: `Asked ${name} for addresses`,
    hint: "Look at the ipam section of the configuration: it has to give this plugin addresses to hand out",
  });
}
