// A MAC address that a configuration or a runtime asks for, as text.
import type { Problems } from "./problems.ts";

/**
 * The MAC address in lower case with colons, as the kernel prints it. Undefined, and reported, when an
 * interface cannot have it (is_valid_ether_addr in linux/etherdevice.h: no group address, not all zero).
 */
export function readMac(text: string, path: string, problems: Problems): string | undefined {
  const problem = macProblem(text);
  if (problem === undefined) return normalised(text);
  problems.add(path, text, problem);
  return undefined;
}

/** The problem with a MAC address, as a sentence; undefined when it is right. */
export function macProblem(text: string): string | undefined {
  // The forms of six bytes that Go's net.ParseMAC takes: 02:58:0a:01:00:05, 02-58-0a-01-00-05,
  // 0258.0a01.0005.
  const forms = [
    /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
    /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i,
    /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i,
  ];
  if (!forms.some((form) => form.test(text)))
    return "invalid MAC address; write six bytes, as in 02:58:0a:01:00:05";
  const mac = normalised(text);
  if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1)
    return "is a multicast address, which no interface can have; the first byte must be even";
  return mac === "00:00:00:00:00:00" ? "is all zero, which no interface can have" : undefined;
}

function normalised(text: string): string {
  const digits = text.toLowerCase().replaceAll(/[:.-]/g, "");
  return (digits.match(/../g) ?? []).join(":");
}
