// The node's side of a link without a bridge.
import { formatAddress } from "../../ip/address.ts";
import { linkLocalOf } from "../../ip/link-local.ts";
import { macBytes } from "../../ip/mac.ts";
import type { HostRouteStep } from "../../plan/step.ts";
import { sh } from "../shell.ts";
import { part, sysctl, sysctlIfThere, type Writer, wholeText } from "../writer.ts";

export const hostRoute: Writer<HostRouteStep> = {
  add({ hostInterface: name, hostMac, podMac, gateways, addresses }) {
    const [has4, has6] = [4, 6].map((family) => addresses.some((address) => address.family === family));
    const [own, peer] = [hostMac, podMac].map((mac) => formatAddress(linkLocalOf(macBytes(mac))));
    return [
      part(
        "The node takes no addresses and routes from a router in the pod.",
        sysctlIfThere(`ipv6/conf/${name}/accept_ra`, 0),
        ...(has6 ? [sysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, 0)] : []),
      ),
      part(
        "The node's end is up, and what comes in there is forwarded.",
        ...(has4 ? [sysctl(`ipv4/conf/${name}/forwarding`, 1)] : []),
        sh`ip link set dev ${name} up`,
      ),
      part(
        "The node is the gateway: it has that address alone, without a subnet.",
        ...(has6 ? [sh`ip address add ${own ?? ""} peer ${`${peer}/128`} dev ${name} nodad`] : []),
        ...gateways.map(
          (address) =>
            sh`ip address add ${wholeText(address)} dev ${name} ${address.family === 6 ? ["nodad"] : []}`,
        ),
      ),
      part(
        "The node finds the pod by a route to each of its addresses.",
        ...addresses.map((address) => sh`ip route add ${wholeText(address)} dev ${name}`),
      ),
    ];
  },
};
