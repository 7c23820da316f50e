// The text of a resolv.conf as the dns part of a result, read like the reference host-local reads it
// (dns.go).
import type { Dns } from "./result.ts";

/**
 * The dns settings of the text: `nameserver`, `search` and `options` add up, the last `domain` counts;
 * comments and everything else are skipped.
 */
export function parseResolvConf(text: string): Dns {
  const dns: { nameservers?: string[]; domain?: string; search?: string[]; options?: string[] } = {};
  for (const line of text.split("\n")) {
    const [keyword = "", ...values] = line.trim().split(/\s+/);
    const [first] = values;
    if (first === undefined || keyword.startsWith("#") || keyword.startsWith(";")) continue;
    if (keyword === "nameserver") (dns.nameservers ??= []).push(first);
    else if (keyword === "domain") dns.domain = first;
    else if (keyword === "search") dns.search = [...(dns.search ?? []), ...values];
    else if (keyword === "options") dns.options = [...(dns.options ?? []), ...values];
  }
  return dns;
}
