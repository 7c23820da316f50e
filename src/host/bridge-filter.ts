// Whether the packet filter sees what goes over bridges (br_netfilter), as Kubernetes wants it.
import type { Family } from "../ip/address.ts";
import { readSysctl } from "../net/sysctl.ts";

/** The same for all bridges. */
export function filterSees(family: Family): boolean {
  return (readSysctl(`bridge/bridge-nf-call-${family === 4 ? "iptables" : "ip6tables"}`) ?? "0") !== "0";
}
