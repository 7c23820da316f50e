// The inside of the pod: addresses, routes and settings.

import { SCOPE_LINK } from "../../cni/result.ts";
import { type Address, formatAddress } from "../../ip/address.ts";
import { formatPrefix, hasFamily } from "../../ip/prefix.ts";
import { FIRST_TABLE, RULE_PROTOCOL } from "../../plan/source-routing.ts";
import type { PodRoute, PodStep, SourceRoutingStep, TuningStep } from "../../plan/step.ts";
import { sh, type Words } from "../shell.ts";
import {
  addressWords,
  inPod,
  type Part,
  part,
  type Scene,
  sysctl,
  sysctlIfThere,
  type Writer,
} from "../writer.ts";

export const pod: Writer<PodStep> = {
  add(step, scene) {
    const { interfaceName: name, addresses, routes, subnetsAreOnLink, detection } = step;
    const { netns } = scene;
    const manner: Words = subnetsAreOnLink ? [] : ["noprefixroute"];
    const dad = (words: Words): Words =>
      detection === undefined ? words : words.filter((word) => word !== "nodad");
    return [
      ...(addresses.length === 0 ? [] : settingsParts(step, scene)),
      part(
        "The pod's interface, which announces its addresses.",
        inPod(sysctl(`ipv4/conf/${name}/arp_notify`, 1), scene),
        sh`ip -n ${netns} link set dev ${name} up`,
      ),
      ...partIfAny(
        "The addresses of the pod.",
        addresses.map(
          (address) => sh`ip -n ${netns} address add ${dad(addressWords(address))} dev ${name} ${manner}`,
        ),
      ),
      ...partIfAny(
        "The routes of the pod.",
        routes.map((route) => routeLine(route, { name, netns })),
      ),
      ...(detection === undefined || !hasFamily(addresses, 6) ? [] : detectionParts(step, scene)),
    ];
  },
};

function partIfAny(why: string, lines: readonly string[]): Part[] {
  return lines.length === 0 ? [] : [part(why, ...lines)];
}

/** The settings that come before the interface is up. */
function settingsParts({ interfaceName: name, addresses, detection }: PodStep, scene: Scene): Part[] {
  const set = (path: string, value: number): string => inPod(sysctlIfThere(path, value), scene);
  const own = `ipv6/conf/${name}`;
  const ipv6 = [
    ...["lo", name].map((each) => set(`ipv6/conf/${each}/disable_ipv6`, 0)),
    set(`${own}/accept_dad`, detection === undefined ? 0 : 1),
    set(`${own}/keep_addr_on_down`, 1),
    set(`${own}/ndisc_notify`, 1),
  ];
  return [
    ...(hasFamily(addresses, 6)
      ? [part("IPv6 is on, and the pod's addresses are announced and stay.", ...ipv6)]
      : []),
    part("The pod takes no addresses and routes from a router in another pod.", set(`${own}/accept_ra`, 0)),
  ];
}

/** The wait for the search for duplicates, which goes through the port. */
function detectionParts({ interfaceName: name, detection }: PodStep, { netns }: Scene): Part[] {
  const port = detection?.port;
  return [
    ...(port === undefined
      ? []
      : [
          part(
            "The search for duplicate addresses goes through the port.",
            sh`ip link set dev ${port.hostInterface} up`,
          ),
        ]),
    part(
      "The addresses are used when no other interface has answered for them.",
      `while [ -n "$(${sh`ip -n ${netns} -6 address show dev ${name} tentative`})" ]; do`,
      "    sleep 0.2",
      "done",
    ),
  ];
}

/** The word for IPv6, where `ip` takes a command for one of IPv4 otherwise. */
function familyWords({ family }: Address): Words {
  return family === 6 ? ["-6"] : [];
}

/** The place of a route: interface and namespace; `table` stands in the place of the route's own. */
interface RoutePlace {
  name: string;
  netns: string;
  table?: string;
}

/** The command that adds a route in the pod. */
function routeLine(route: PodRoute, { name, netns, table = "" }: RoutePlace): string {
  const { dst, gateway, onLink, source, mtu, advmss, priority, scope } = route;
  const isDefault = dst.length === 0;
  const family = isDefault ? familyWords(dst.address) : [];
  const words: Words = [
    isDefault ? "default" : formatPrefix(dst),
    ...(gateway === undefined ? [] : ["via", formatAddress(gateway)]),
    ...["dev", name],
    ...(onLink ? ["onlink"] : []),
    ...(source === undefined ? [] : ["src", formatAddress(source)]),
    ...(scope === undefined ? [] : ["scope", scope === SCOPE_LINK ? "link" : scope]),
    ...(priority === undefined ? [] : ["metric", priority]),
    ...(mtu === undefined ? [] : ["mtu", mtu]),
    ...(advmss === undefined ? [] : ["advmss", advmss]),
    ...(table === "" && route.table !== undefined ? ["table", route.table] : []),
  ];
  return `${sh`ip -n ${netns} ${family} route add ${words}`}${table}`;
}

const TABLE = ' table "$table"';

export const sourceRouting: Writer<SourceRoutingStep> = {
  add({ interfaceName: name, sources, routes }, scene) {
    const { netns } = scene;
    return [
      part(
        "The interface has a routing table of its own, with its index in the number.",
        `table=$((${FIRST_TABLE} + $(${sh`ip -n ${netns} -o link show dev ${name}`} | cut -d : -f 1)))`,
        ...routes.map((route) => routeLine(route, { name, netns, table: TABLE })),
      ),
      part(
        "Packets from the pod's addresses are routed by it.",
        ...sources.map((source) => `${ruleLine("add", source, netns)}${TABLE}`),
      ),
    ];
  },
  del: ({ sources }, { netns }) => ({
    after: [
      part(
        "The rules of source based routing stay when their interface goes.",
        ...sources.map((source) => ruleLine("del", source, netns)),
      ),
    ],
  }),
};

function ruleLine(verb: "add" | "del", source: Address, netns: string): string {
  const from = formatAddress(source);
  return sh`ip -n ${netns} ${familyWords(source)} rule ${verb} from ${from} protocol ${RULE_PROTOCOL}`;
}

export const tuning: Writer<TuningStep> = {
  add({ interfaceName: name, sysctls, txQueueLength, promiscuous, allMulticast }, scene) {
    const words: Words = [
      ...(txQueueLength === undefined ? [] : ["txqueuelen", txQueueLength]),
      ...(promiscuous ? ["promisc", "on"] : []),
      ...(allMulticast ? ["allmulticast", "on"] : []),
    ];
    return [
      ...partIfAny(
        "The settings that the network asks for, inside the pod.",
        sysctls.map((setting) => inPod(sysctl(setting.name, setting.value), scene)),
      ),
      ...partIfAny(
        "What the network asks for on the pod's interface.",
        words.length === 0 ? [] : [sh`ip -n ${scene.netns} link set dev ${name} ${words}`],
      ),
    ];
  },
};
