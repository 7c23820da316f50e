import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { networkSubnets, otherGateways } from "../../../src/plan/network.ts";
import { address, prefix } from "../../support/ip.ts";
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

test("the gateways of other ranges are those of the sets that have several, each once, without the pod's own", () => {
  const range = (subnet: string, gateway: string) => ({
    subnet: prefix(subnet),
    first: prefix(subnet).address,
    last: prefix(subnet).address,
    gateway: address(gateway),
  });
  const own = range("10.1.0.0/24", "10.1.0.1");
  const sets = [
    [own, range("10.2.0.0/16", "10.2.0.1"), own, range("10.2.0.0/16", "10.2.0.1")],
    [range("fd01::/64", "fd01::9")],
  ];
  const config = netconf();
  const ipam = { ...config.ipam!, rangeSets: sets };
  const others = (given: string) => otherGateways({ ...config, ipam }, [podAddress(given), podAddress(V6)]);
  expect(others(V4).map(formatPrefix)).toEqual(["10.2.0.1/16"]);
  expect(others("10.2.0.7/16 10.2.0.1").map(formatPrefix)).toEqual(["10.1.0.1/24"]);
  expect(otherGateways({ ...config, ipam: undefined }, [podAddress(V4)])).toEqual([]);
  const alone = attachmentOf({ subnets: ["10.1.0.0/24", "fd01::/64"] }, [V4, V6]);
  expect(alone.gateway).toEqual({ force: false });
  expect(theStep("gateway", alone).others).toEqual([]);
});
