import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { completeGateways } from "../../../src/plan/gateway.ts";
import { failure } from "../../support/failure.ts";
import { podAddress } from "./input.ts";

const gateways = (...texts: string[]) =>
  completeGateways(texts.map(podAddress), { attach: "bridge", isGateway: true }).map(
    ({ gateway }) => gateway && formatAddress(gateway),
  );

test.each([
  [["10.1.0.7/24"], ["10.1.0.1"]],
  [["10.1.0.7/24 10.1.0.254"], ["10.1.0.254"]],
  [
    ["10.1.0.7/16", "fd01::7/64"],
    ["10.1.0.1", "fd01::1"],
  ],
  [["10.1.0.0/31"], ["10.1.0.1"]],
  [["10.1.0.7/32"], ["10.1.0.8"]],
  [["10.1.0.7/32 169.254.1.1"], ["169.254.1.1"]],
  [["255.255.255.255/32"], ["0.0.0.0"]],
])("%j has its gateways at %j", (addresses, expected) => {
  expect(gateways(...addresses)).toEqual(expected);
});

test.each([[["10.1.0.1/24"]], [["10.1.0.7/24 10.1.0.7"]], [["10.1.0.7/24", "10.1.0.1/16"]]])(
  "%j: pod and bridge cannot have the same address",
  (addresses) => {
    expect(failure(() => gateways(...addresses))).toMatchObject({
      kind: "ipamPlugin",
      details: expect.stringMatching(/Hint: Give/) as string,
    });
  },
);

test.each([[["10.1.0.7/24 192.168.55.1"]], [["10.1.0.7/24", "fd01::7/64 fd02::1"]]])(
  "%j: the bridge cannot be a gateway outside of the pod's subnet",
  (addresses) => {
    expect(failure(() => gateways(...addresses))).toMatchObject({
      kind: "ipamPlugin",
      message: expect.stringContaining("lies outside of the pod's subnet") as string,
      details: expect.stringMatching(/Hint: Name a gateway of the subnet/) as string,
    });
  },
);
