import { expect, test } from "vitest";
import { readHostPorts } from "../../../src/cni/host-port-config.ts";
import type { PortShape } from "../../../src/cni/netconf-keys.ts";
import { Problems } from "../../../src/cni/problems.ts";

const problemsOf = (...portMappings: PortShape[]): string[] => {
  const problems = new Problems();
  readHostPorts({ runtimeConfig: { portMappings } }, problems);
  return problems.texts;
};

/** The same port of the node at each of these addresses; an empty text is all of them. */
const at = (...addresses: string[]): PortShape[] =>
  addresses.map((hostIP, index) => ({ hostIP, hostPort: 8080, containerPort: 80 + index }));

test.each([
  ["192.168.50.1", "192.168.50.1"],
  ["", ""],
  ["", "192.168.50.1"],
  ["192.168.50.1", ""],
  ["fd50::1", ""],
  ["0.0.0.0", "192.168.50.1"],
  ["192.168.50.1", "0.0.0.0"],
  ["::", "fd50::1"],
  ["", "0.0.0.0"],
])("one port is not asked for twice, of the addresses %j and %j", (one, other) => {
  expect(problemsOf(...at(one, other))).toEqual([
    expect.stringMatching(
      /^runtimeConfig\.portMappings\[1\]\.hostPort 8080: is asked for twice: .* is in runtimeConfig\.portMappings\[0\] too$/,
    ),
  ]);
});

test.each([
  ["192.168.50.1", "192.168.50.2"],
  ["0.0.0.0", "::"],
  ["0.0.0.0", "fd50::1"],
  ["192.168.50.1", "::"],
])("one port of the addresses %s and %s is two", (one, other) => {
  expect(problemsOf(...at(one, other))).toEqual([]);
});
