// The pod's interface, and its other end.
import { formatAddress } from "../../ip/address.ts";
import type { GivenAddress } from "../../ip/given-address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import type {
  AnnounceStep,
  DeviceStep,
  PortMacStep,
  PortSettings,
  PortVlanStep,
  VethStep,
  WireCarrierStep,
  WireStep,
} from "../../plan/step.ts";
import { sh, type Words } from "../shell.ts";
import { mtuWords, ONE_QUEUE, part, type Writer } from "../writer.ts";
import { vlanLines } from "./bridge.ts";

export const veth: Writer<VethStep> = {
  add({ host, pod, mtu, port, group }, { netns }) {
    const { name } = host;
    const on: Words = port === undefined ? [] : ["master", port.bridge];
    const within: Words = group === undefined ? [] : ["group", group];
    const where = port === undefined ? "on the node" : "a port of the bridge";
    return [
      part(
        `The pair of interfaces: one end is ${where}, the other is in the pod.`,
        sh`ip link add dev ${name} address ${host.mac} ${mtuWords(mtu)} ${ONE_QUEUE} \\`,
        sh`    ${on} ${within} type veth \\`,
        sh`    peer name ${pod.name} address ${pod.mac} ${mtuWords(mtu)} ${ONE_QUEUE} netns ${netns}`,
      ),
      part("The node's end gets no IPv6 address by itself.", sh`ip link set dev ${name} addrgenmode none`),
      ...settingsOf(port).map(({ why, words }) =>
        part(why, sh`ip link set dev ${name} type bridge_slave ${words}`),
      ),
      ...(host.isRaisedFirst
        ? [part("The node's end is up before a program uses the pod's.", sh`ip link set dev ${name} up`)]
        : []),
    ];
  },
  del: ({ host: { name } }) => ({
    links: [part("The pair goes with its end on the node.", sh`ip link delete dev ${name}`)],
  }),
};

/** The settings of a port that differ from the kernel's defaults. */
function settingsOf(port: PortSettings | undefined): { why: string; words: Words }[] {
  const { hairpin = false, isolated = false, learns } = port ?? {};
  return [
    ...(hairpin
      ? [{ why: "Frames may go back where they came from: a pod reaches itself.", words: ["hairpin", "on"] }]
      : []),
    ...(isolated
      ? [{ why: "Pods do not reach each other over the bridge.", words: ["isolated", "on"] }]
      : []),
    ...(learns === false
      ? [
          {
            why: "The bridge learns no MAC from the pod, and hides no frame from the check.",
            words: ["learning", "off", "group_fwd_mask", "0xfffd"],
          },
        ]
      : []),
  ];
}

export const portVlan: Writer<PortVlanStep> = {
  add({ hostInterface, native, tagged, keepOthers }) {
    const vids = tagged.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
    return [
      part(
        "The pod is in its VLANs and in no others.",
        ...vids.map((vid) => sh`bridge vlan add dev ${hostInterface} vid ${vid}`),
        ...vlanLines(hostInterface, { native, keepOthers }),
      ),
    ];
  },
};

export const portMac: Writer<PortMacStep> = {
  add: ({ hostInterface, mac }) => [
    part(
      "The bridge knows the pod's MAC at this port, and believes no other.",
      sh`bridge fdb replace ${mac} dev ${hostInterface} master static sticky`,
    ),
  ],
};

export const announce: Writer<AnnounceStep> = {
  add: ({ hostInterface, interfaceName, mac, addresses }, { netns }) => [
    part("The port forwards.", sh`ip link set dev ${hostInterface} up`),
    ...(addresses.length === 0
      ? []
      : [
          part(
            "Neighbours hear of the pod's MAC: the kernel announces a MAC that is set.",
            sh`ip -n ${netns} link set dev ${interfaceName} address ${mac}`,
          ),
        ]),
  ],
};

/** The first pod of a wire; the second takes the end that is parked. */
export const wire: Writer<WireStep> = {
  add({ pod, mtu, freeEnd }, { netns }) {
    return [
      part(
        "The wire: one end is in the pod, the other waits on the node for the second pod.",
        sh`ip link add dev ${freeEnd} ${mtuWords(mtu)} ${ONE_QUEUE} type veth \\`,
        sh`    peer name ${pod.name} address ${pod.mac} ${mtuWords(mtu)} ${ONE_QUEUE} netns ${netns}`,
      ),
    ];
  },
  del: ({ freeEnd }) => ({
    links: [part("The wire goes with the end that waits.", sh`ip link delete dev ${freeEnd}`)],
  }),
};

/** The first pod has nobody yet to tell. */
export const wireCarrier: Writer<WireCarrierStep> = { add: () => [] };

export const device: Writer<DeviceStep> = {
  add({ pod, mtu, former }, { netns }) {
    const { name } = former;
    const mac: Words = pod.mac === former.mac ? [] : ["address", pod.mac];
    const size = mtu === former.mtu ? [] : mtuWords(mtu);
    return [
      part(
        "The device moves into the pod.",
        sh`ip link set dev ${name} netns ${netns} name ${pod.name} ${mac} ${size}`,
      ),
    ];
  },
  del: ({ pod, mtu, former }, { netns }) => ({
    links: [
      part(
        "The device goes back to the node, where this shell is.",
        sh`ip -n ${netns} link set dev ${pod.name} down`,
        `${sh`ip -n ${netns} link set dev ${pod.name} netns`} $$ ${sh`name ${former.name}`}`,
      ),
      part(
        "It is again as it was.",
        ...formerLines({ mac: pod.mac === former.mac, mtu: mtu === former.mtu }, former),
      ),
    ],
  }),
};

/** The lines that make a device what it was. `kept` says what the pod's interface had left alone. */
function formerLines(kept: { mac: boolean; mtu: boolean }, former: DeviceStep["former"]): string[] {
  const { name, mac, mtu, up, promiscuous, allMulticast, txQueueLength, addresses } = former;
  const flag = (isOn: boolean): string => (isOn ? "on" : "off");
  const settings: Words = [
    ...(kept.mac ? [] : ["address", mac]),
    ...(kept.mtu ? [] : ["mtu", mtu]),
    ...["txqueuelen", txQueueLength, "promisc", flag(promiscuous), "allmulticast", flag(allMulticast)],
    ...(up ? ["up"] : []),
  ];
  return [
    sh`ip link set dev ${name} ${settings}`,
    ...addresses.map((address) => sh`ip address add ${givenWords(address)} dev ${name}`),
  ];
}

/** The flags of addresses that a person sets (IFA_F_…, linux/if_addr.h), by their words. */
const ADDRESS_FLAGS: readonly (readonly [bit: number, word: string])[] = [
  [0x02, "nodad"],
  [0x04, "optimistic"],
  [0x10, "home"],
  [0x100, "mngtmpaddr"],
  [0x200, "noprefixroute"],
  [0x400, "autojoin"],
];

/** The words that give an address back as a person gave it. */
function givenWords({ prefix, peer, broadcast, scope, label, flags, metric }: GivenAddress): Words {
  const { address, length } = prefix;
  const own = peer === undefined ? [formatPrefix(prefix)] : [formatAddress(address)];
  return [
    ...own,
    ...(peer === undefined ? [] : ["peer", formatPrefix({ address: peer, length })]),
    ...(broadcast === undefined ? [] : ["brd", formatAddress(broadcast)]),
    ...(address.family === 4 ? ["scope", scope] : []),
    ...(label === undefined ? [] : ["label", label]),
    ...ADDRESS_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word),
    ...(metric === undefined ? [] : ["metric", metric]),
  ];
}
