// Texts of commands about host ports.
import { expect, test } from "vitest";
import { mappingTexts } from "../../../src/command/text.ts";

test("20,000 host ports of both families are a text each, in a moment", () => {
  const ports = Array.from({ length: 20_000 }, (_, at) => 1000 + at);
  const mappings = ["10.1.0.2", "fd01::2"].flatMap((address) =>
    ports.map((port) => ({
      ...{ protocol: "tcp" as const, hostPort: port, hostPortEnd: port, containerPort: port },
      ...{ hostAddress: undefined, address },
    })),
  );
  const more = {
    masquerade: "own",
    subnets: [],
    markBit: 13,
    gatewayInterface: "cni0",
    hairpin: true,
  } as const;
  const begin = performance.now();
  expect(mappingTexts({ hostPorts: { mappings, ...more } as never })).toEqual(
    ports.map((port) => `${port}->${port}/tcp`),
  );
  // A look through all texts for each one takes half a minute.
  expect(performance.now() - begin).toBeLessThan(5000);
});
