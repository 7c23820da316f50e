// The maps in the table of host ports, as data; host-port-layout.ts shows them in nft's own words.
import { joined, TYPE_INET_PROTOCOL, TYPE_INET_SERVICE, TYPE_IP6ADDR, TYPE_IPADDR } from "./key.ts";
import { conditionMap } from "./port-element.ts";
import type { MapLayout } from "./set-message.ts";

/** Length of a protocol, and of a port, in a key or a value: each fills up a register. */
const REGISTER = 4;

/** The maps that give the address of a pod, and its port where that differs from the port of the node. */
function valueMaps(): MapLayout[] {
  return [
    { suffix: 4, type: TYPE_IPADDR, length: 4 },
    { suffix: 6, type: TYPE_IP6ADDR, length: 16 },
  ].flatMap(({ suffix, type, length }) => {
    const addressKey = {
      type: joined(joined(type, TYPE_INET_PROTOCOL), TYPE_INET_SERVICE),
      length: length + 2 * REGISTER,
    };
    const addressAndPort = { type: joined(type, TYPE_INET_SERVICE), length: length + REGISTER };
    return [
      { name: `one${suffix}`, key: addressKey, value: addressAndPort },
      // The fields of an interval have the lengths of their values: a protocol one byte, a port two.
      { name: `range${suffix}`, key: addressKey, value: { type, length }, intervalFields: [length, 1, 2] },
      {
        name: `any${suffix}`,
        key: { type: joined(TYPE_INET_PROTOCOL, TYPE_INET_SERVICE), length: 2 * REGISTER },
        value: addressAndPort,
      },
    ];
  });
}

const HAIRPIN_MAPS: MapLayout[] = [
  { name: "hairpin4", key: { type: TYPE_IPADDR, length: 4 } },
  { name: "hairpin6", key: { type: TYPE_IP6ADDR, length: 16 } },
];

/** All maps. */
export function portMaps(): MapLayout[] {
  const maps = valueMaps();
  return [
    ...maps,
    ...maps.map(({ name, key, intervalFields }) => ({ name: conditionMap(name), key, intervalFields })),
    ...HAIRPIN_MAPS,
  ];
}

/** The names of all maps. */
export function portMapNames(): string[] {
  return portMaps().map(({ name }) => name);
}
