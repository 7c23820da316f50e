// VLAN ids: packets of the `vlan` carry no tag in the pod, packets of the ids in `vlanTrunk` carry their tag.
// Rules and sentences are the reference bridge's (collectVlanTrunk in bridge.go).
import { byteLength } from "./name.ts";
import type { TrunkShape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/** A range of VLAN ids, both ends included. */
export interface VlanRange {
  first: number;
  last: number;
}

/** The largest VLAN id; 4095 is reserved (IEEE 802.1Q, table 9-2). */
export const LARGEST_VLAN = 4094;

/** Reports a VLAN id outside of 0 to {@link LARGEST_VLAN}; 0 stands for no VLAN. */
export function checkVlan(vlan: number, problems: Problems): void {
  if (vlan < 0 || vlan > LARGEST_VLAN)
    problems.add("vlan", vlan, `invalid VLAN ID ${vlan} (must be between 0 and ${LARGEST_VLAN})`);
}

/** The bridge of a network in a VLAN. */
interface VlanBridge {
  bridge: string;
  vlan: number;
  gatewayInterface: string;
}

/**
 * Reports a bridge name that leaves no room for the name of a VLAN's gateway interface: the kernel would
 * refuse more than 15 bytes, but late.
 */
export function checkGatewayInterface(
  { bridge, vlan, gatewayInterface }: VlanBridge,
  problems: Problems,
): void {
  if (byteLength(gatewayInterface) <= 15) return;
  problems.add(
    "bridge",
    bridge,
    `with vlan ${vlan} the gateway is the interface ${gatewayInterface}, which must have 15 bytes at most; shorten the name of the bridge`,
  );
}

/** The ids as ranges that lie apart, in order. Every wrong entry is reported and left out. */
export function parseVlanTrunk(entries: readonly TrunkShape[], problems: Problems): VlanRange[] {
  return merged(entries.flatMap((entry, index) => readEntry(entry, `vlanTrunk[${index}]`, problems)));
}

function readEntry({ id, minID, maxID }: TrunkShape, path: string, problems: Problems): VlanRange[] {
  const ranges: VlanRange[] = [];
  if (minID !== undefined && maxID !== undefined) {
    if (!isId(minID)) problems.add(`${path}.minID`, minID, `incorrect trunk minID parameter; ${ALLOWED}`);
    else if (!isId(maxID))
      problems.add(`${path}.maxID`, maxID, `incorrect trunk maxID parameter; ${ALLOWED}`);
    else if (maxID < minID)
      problems.add(
        `${path}.minID`,
        minID,
        `minID is greater than maxID in trunk parameter, which is ${maxID}`,
      );
    else ranges.push({ first: minID, last: maxID });
  } else if (minID !== undefined || maxID !== undefined) {
    problems.addAt(
      path,
      `minID and maxID should be configured simultaneously, ${minID === undefined ? "minID" : "maxID"} is missing`,
    );
  } else if (id === undefined) {
    problems.addAt(path, "says nothing; give it an id, or minID and maxID");
  }
  if (id !== undefined && !isId(id))
    problems.add(`${path}.id`, id, `incorrect trunk id parameter; ${ALLOWED}`);
  else if (id !== undefined) ranges.push({ first: id, last: id });
  return ranges;
}

const ALLOWED = `VLAN ids are 1 to ${LARGEST_VLAN}`;

function isId(id: number): boolean {
  return id >= 1 && id <= LARGEST_VLAN;
}

function merged(ranges: VlanRange[]): VlanRange[] {
  const apart: VlanRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = apart.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else apart.push({ first, last });
  }
  return apart;
}
