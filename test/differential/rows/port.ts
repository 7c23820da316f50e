// The pod's port on the bridge and its end of the pair: isolation, duplicate addresses, an interface that
// stays down; VLANs.
import { DUAL, ipamOf, onlyOurs, type Row, V6 } from "../row.ts";
import { LAYER_2 } from "./link.ts";

/** A bridge where somebody has the address that the pod is going to get. */
const TAKEN = [
  "ip link add name pods0 type bridge",
  "ip link set pods0 up",
  "ip address add fd01::2/64 dev pods0 nodad",
];

export const PORT_ROWS: Row[] = [
  { name: "portIsolation", config: { portIsolation: true } },
  { name: "portIsolation, dual stack", config: { portIsolation: true, ipam: ipamOf(...DUAL) } },
  { name: "portIsolation and hairpinMode", config: { portIsolation: true, hairpinMode: true } },
  {
    name: "portIsolation, layer 2",
    config: { portIsolation: true, isGateway: false, ipam: undefined },
    differences: LAYER_2,
  },
  { name: "portIsolation off", config: { portIsolation: false } },
  { name: "portIsolation that is text", config: { portIsolation: "yes" } },
  { name: "enabledad, IPv4", config: { enabledad: true } },
  { name: "enabledad, IPv6", config: { enabledad: true, ipam: ipamOf(V6) } },
  { name: "enabledad, dual stack", config: { enabledad: true, ipam: ipamOf(...DUAL) } },
  {
    name: "enabledad, and somebody has the address",
    node: TAKEN,
    config: { enabledad: true, isGateway: false, ipam: { type: "host-local", ranges: [[{ subnet: V6 }]] } },
    differences: [
      {
        where: "left after the refusal.node.link.pods0.MAC",
        ours: "00:00:00:00:00:00",
        why: "L4: the bridge has no port left, and nobody gave it a MAC.",
      },
    ],
  },
  { name: "enabledad that is text", config: { enabledad: "yes" } },
  {
    name: "disableContainerInterface",
    config: { disableContainerInterface: true, isGateway: false, ipam: undefined },
    differences: LAYER_2.filter(({ where }) => where === "CHECK"),
  },
  { name: "disableContainerInterface, and ipam", config: { disableContainerInterface: true } },
  { name: "disableContainerInterface off", config: { disableContainerInterface: false } },
  { name: "vlan 0", config: { vlan: 0 } },
  { name: "vlan, which this kernel may not have", config: { vlan: 100 } },
  { name: "vlan 5000", config: { vlan: 5000 } },
  { name: "vlan -1", config: { vlan: -1 } },
  { name: "vlan that is text", config: { vlan: "100" } },
  {
    name: "an empty vlanTrunk",
    config: { vlanTrunk: [] },
    differences: onlyOurs("An empty list asks for nothing; the reference needs a kernel with VLANs for it."),
  },
  { name: "vlanTrunk: an id that is none", config: { vlanTrunk: [{ id: 5000 }] } },
  { name: "vlanTrunk: half a range", config: { vlanTrunk: [{ minID: 10 }] } },
  { name: "vlanTrunk: a range from high to low", config: { vlanTrunk: [{ minID: 20, maxID: 10 }] } },
  { name: "vlanTrunk that is no list", config: { vlanTrunk: 100 } },
  { name: "preserveDefaultVlan alone", config: { preserveDefaultVlan: true } },
];
