// The things that the pods of a bridge share: made where they are not there, and never removed.
import { gatewayPortName } from "../../attachment/name.ts";
import { hasFamily } from "../../ip/prefix.ts";
import type { BridgeStep, ForwardingStep, GatewayStep, VlanGatewayStep } from "../../plan/step.ts";
import { sh, when } from "../shell.ts";
import {
  addressWords,
  hasLink,
  mtuWords,
  ONE_QUEUE,
  part,
  type Scene,
  sysctl,
  sysctlIfThere,
  type Writer,
} from "../writer.ts";

/** The MTU with which the kernel makes a bridge. */
const DEFAULT_MTU = 1500;

export const bridge: Writer<BridgeStep> = {
  add(step, { bridge: { mac, mtu } }) {
    const { name, filtersVlans, promiscuous } = step;
    const filtering = filtersVlans ? ["vlan_filtering", 1] : [];
    return [
      part(
        "The bridge of the network. A MAC that is given does not change with the ports.",
        ...when(`! ${hasLink(name)}`, [
          sh`ip link add dev ${name} address ${mac} type bridge ${filtering}`,
          "# The node takes no addresses and routes from a router in a pod.",
          sysctlIfThere(`ipv6/conf/${name}/accept_ra`, 0),
          "# The bridge's link-local address is unique, so it is used without a search for duplicates.",
          sysctlIfThere(`ipv6/conf/${name}/accept_dad`, 0),
          "# A bridge whose MTU was changed once keeps it, whatever ports come and go.",
          ...(mtu === DEFAULT_MTU ? [sh`ip link set dev ${name} mtu ${mtu + 1}`] : []),
          sh`ip link set dev ${name} mtu ${mtu}`,
          "# It learns no MAC from frames to link-local groups, which are not for it.",
          sh`ip link set dev ${name} type bridge no_linklocal_learn 1`,
        ]),
        sh`ip link set dev ${name} up ${promiscuous ? ["promisc", "on"] : []}`,
      ),
    ];
  },
};

export const vlanGateway: Writer<VlanGatewayStep> = {
  add(step, { bridge: { mtu } }: Scene) {
    const { bridge: name, gatewayInterface, vlan, keepDefaultVlan } = step;
    const port = gatewayPortName(name, vlan);
    return [
      part(
        "The node's interface in the VLAN: a pair of which one end is a port of the bridge.",
        ...when(`! ${hasLink(gatewayInterface)}`, [
          sh`ip link add dev ${port} ${mtuWords(mtu)} ${ONE_QUEUE} master ${name} type veth \\`,
          sh`    peer name ${gatewayInterface} ${mtuWords(mtu)} ${ONE_QUEUE}`,
          sh`ip link set dev ${port} addrgenmode none`,
          sysctlIfThere(`ipv6/conf/${gatewayInterface}/accept_dad`, 0),
          ...vlanLines(port, { native: vlan, keepOthers: keepDefaultVlan }),
        ]),
        sh`ip link set dev ${gatewayInterface} up`,
        sh`ip link set dev ${port} up`,
      ),
    ];
  },
};

/** The lines that put a new port into its VLAN of packets without a tag. */
export function vlanLines(port: string, vlans: { native: number; keepOthers: boolean }): string[] {
  const { native, keepOthers } = vlans;
  return [
    ...(keepOthers || native === 1 ? [] : [sh`bridge vlan del dev ${port} vid 1`]),
    sh`bridge vlan add dev ${port} vid ${native} pvid untagged`,
  ];
}

export const gateway: Writer<GatewayStep> = {
  add({ gatewayInterface: name, addresses }) {
    return [
      part(
        "The gateway of the pods is the node, which forwards what comes in there.",
        ...(hasFamily(addresses, 4) ? [sysctl(`ipv4/conf/${name}/forwarding`, 1)] : []),
        ...(hasFamily(addresses, 6) ? [sysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, 0)] : []),
        sysctlIfThere(`ipv6/conf/${name}/accept_ra`, 0),
        ...addresses.map((address) => sh`ip address replace ${addressWords(address)} dev ${name}`),
      ),
    ];
  },
};

export const forwarding: Writer<ForwardingStep> = {
  add({ families }) {
    return families.map((family) =>
      family === 4
        ? part("The node forwards IPv4.", sysctl("ipv4/ip_forward", 1))
        : part(
            "The node forwards IPv6, and keeps the routes that its own router has told it.",
            'for dev in $(ip -6 route show proto ra | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p"); do',
            '    sysctl -qew "net/ipv6/conf/$dev/accept_ra=2"',
            "done",
            sysctl("ipv6/conf/all/forwarding", 1),
          ),
    );
  },
};
