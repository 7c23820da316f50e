// The words by which people name attachments.
import { expect, test } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { selectAttachments } from "../../../src/attachment/selection.ts";
import { parsePrefix } from "../../../src/ip/prefix.ts";

const one = of("8080abcdef", "default/web", "10.1.0.2/24", 8080);
const other = of("8081abcdef", "kube-system/web", "fd01::3/64", 9000);
const nameless = of("deadbeef", undefined, "10.1.0.4/24", 100);

test.each([
  ["default/web", [one]],
  ["web", [one, other]],
  ["default", []],
  ["8080", [one]],
  ["8080/tcp", [one]],
  ["8080/udp", []],
  ["8085", [one]],
  ["8090", []],
  ["8081ab", [other]],
  ["10.1.0.2", [one]],
  ["fd01:0::3", [other]],
  ["deadbeef", [nameless]],
  ["dea", []],
  ["", []],
])("%j", (word, wanted) => {
  expect(selectAttachments([one, other, nameless], word)).toEqual(wanted);
});

function of(containerId: string, pod: string | undefined, address: string, hostPort: number): Attachment {
  const key = { network: "pods", containerId, interfaceName: "eth0" };
  const mapping = { protocol: "tcp", hostPort, hostPortEnd: hostPort + 5, containerPort: 80, address };
  const addresses = [{ address: parsePrefix(address), gateway: undefined }];
  return { key, pod, addresses, hostPorts: { mappings: [mapping] } } as unknown as Attachment;
}
