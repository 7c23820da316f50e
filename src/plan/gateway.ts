// The gateways of a network whose IPAM plugin may leave them out. Pure.

import type { PodAddress } from "../attachment/attachment.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { type Address, familyBits, formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, isSingle, networkOf, type Prefix, prefixContains } from "../ip/prefix.ts";

/**
 * The addresses with all of their gateways, where the node is the gateway of the network; all others as they
 * are. An absent gateway is the first address of the subnet, as in the reference bridge (calcGatewayIP in
 * bridge.go). Throws CniError ipamPlugin for a pod with its gateway's address, since one of the two would not
 * be reached, and for a gateway of a bridge outside of the pod's subnet, which the bridge cannot be. A whole
 * address (/32, /128) has no other address in its subnet, so its gateway lies outside; without a bridge it
 * has to be named, since the address behind a pod's may be another pod's.
 */
export function completeGateways(
  addresses: PodAddress[],
  { attach, isGateway }: Pick<Netconf, "attach" | "isGateway">,
): PodAddress[] {
  if (!isGateway) return addresses;
  const isOnBridge = attach === "bridge";
  const nameless = addresses.find(({ address, gateway }) => isSingle(address) && gateway === undefined);
  if (!isOnBridge && nameless !== undefined) throw withoutGateway(nameless.address);
  const complete = addresses.map(({ address, gateway }) => ({
    address,
    gateway: gateway ?? firstAddress(address),
  }));
  const taken = complete.find(({ address }) =>
    complete.some(({ gateway }) => sameAddress(gateway, address.address)),
  );
  if (taken !== undefined) throw sharedAddress(taken.address);
  const outside = complete.find(isOutside);
  if (isOnBridge && outside !== undefined) throw outOfReach(outside);
  return complete;
}

function isOutside({ address, gateway }: { address: Prefix; gateway: Address }): boolean {
  return !isSingle(address) && !prefixContains(address, gateway);
}

function firstAddress(prefix: Prefix): Address {
  const { family, value } = networkOf(prefix).address;
  return { family, value: (value + 1n) % 2n ** BigInt(familyBits(family)) };
}

function sharedAddress(address: Prefix): CniError {
  return new CniError("ipamPlugin", {
    about: `${formatPrefix(address)} would be the address of the pod and of its gateway`,
    cause: `the node is the gateway, with the first address of the subnet where the IPAM plugin names none`,
    hint: `Give the pod another address than ${formatAddress(address.address)}, or name another gateway in the ipam section`,
  });
}

function outOfReach({ address, gateway }: { address: Prefix; gateway: Address }): CniError {
  return new CniError("ipamPlugin", {
    about: `the gateway ${formatAddress(gateway)} lies outside of the pod's subnet, that of ${formatPrefix(address)}`,
    cause: `"isGateway" puts the gateway on the bridge, and pods of that subnet would not reach it there`,
    hint: "Name a gateway of the subnet in the ipam section, or set isGateway to false where another router has it",
  });
}

function withoutGateway(address: Prefix): CniError {
  return new CniError("ipamPlugin", {
    about: `the address ${formatPrefix(address)} has no gateway`,
    cause: "a subnet of one address has no other that the node could take",
    hint: "Name a gateway for it in the ipam section; 169.254.1.1 and fe80::1 suit every network",
  });
}
