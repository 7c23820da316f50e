import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { networkSubnets } from "../../../src/plan/network.ts";
import { attachmentOf, KEY, netconf, podAddress, theStep, V4, V6 } from "./input.ts";

test("masquerading leaves out every subnet of the network once, those of ranges and those of addresses", () => {
  const subnets = ["10.1.0.0/24", "10.2.0.0/24", "10.1.0.0/24", "fd01::/64"];
  const step = theStep("masquerade", attachmentOf({ ipMasq: true, subnets }, [V4, V6]));
  expect(step.subnets.map(formatPrefix).sort()).toEqual(["10.1.0.0/24", "10.2.0.0/24", "fd01::/64"]);
  expect(step.addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
  expect(step).toMatchObject({ key: KEY, gatewayInterface: "br0" });
  expect(networkSubnets(netconf({ ipam: undefined }), [podAddress(V4)]).map(formatPrefix)).toEqual([
    "10.1.0.0/24",
  ]);
});
