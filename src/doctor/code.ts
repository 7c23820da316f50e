// The kinds of findings, for programs. They stay; docs/doctor.md says what each means, and what helps.
import { STEP_NAMES } from "../plan/order.ts";
import type { StepName } from "../plan/step.ts";

/** In the order of the examinations; the last are those of a way that is traced. */
const CODES = [
  "wrongConfiguration",
  "noConfiguration",
  "waitingConfiguration",
  "missingPlugin",
  "unusablePlugin",
  "damagedRecord",
  "laterRecord",
  "readOnlyState",
  "unwritableState",
  "lostLease",
  "strayLease",
  "foreignLease",
  "fullPool",
  "deadAttachment",
  "strayInterface",
  "wrongNeighbour",
  "sameMac",
  "sameAddress",
  "addressOfNode",
  "nobodyListens",
  "shadowedListener",
  "hostPortShadowed",
  "firewallDrops",
  "firewallMayDrop",
  "secondOwner",
  "overlappingSubnet",
  "wrongRoute",
  "noWayOut",
  "wayOutRefused",
  "answersRefused",
  "wayOutDown",
  "silentRouter",
  "mtuAboveWayOut",
  "mtuAboveTunnel",
  "tunnelDown",
  "tunnelAddressLost",
  "tunnelMac",
  "tunnelLearns",
  "tunnelNodeUnknown",
  "tunnelRouteLost",
  "tunnelWithoutFamily",
  "nodeTableAbsent",
  "nodeTableBroken",
  "nodeTableException",
  "forwardingOff",
  "conflistGone",
  "conflistChanged",
  "connectionTableFull",
  "neighbourTableFull",
  "noRoute",
  "podLeadsElsewhere",
  "noHostPort",
  "isolatedPorts",
  "otherEndOfWire",
] as const;

/** A difference of an attachment from its ADD has the code of the step that differs: `bridgeDiffers`. */
export type FindingCode = (typeof CODES)[number] | `${StepName}Differs`;

export const FINDING_CODES: readonly FindingCode[] = [
  ...CODES,
  ...STEP_NAMES.map((name) => `${name}Differs` as const),
];

/** The code as labels of metrics have it: `lost-lease`. */
export function labelOf(code: FindingCode): string {
  return code.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
