// Remarks about a network beside the others of its folder.
import { quote } from "../../cni/problems.ts";
import { clashOf } from "../../plan/foresight.ts";
import type { Network } from "../network/network.ts";
import { headOf } from "../network/network.ts";
import type { Remark } from "./finding.ts";
import { type ReadEntry, readEntries } from "./node.ts";

/** A network and the name of its file. */
export interface Named {
  name: string;
  network: Network;
}

/**
 * The remarks about a network that is not the first of its folder. `earlier`: the networks in front of it.
 */
export function folderRemarks(one: Named, first: string, earlier: readonly Named[]): Remark[] {
  const sameName = earlier.find(({ network }) => nameOf(network) === nameOf(one.network));
  return [
    {
      severity: "note",
      path: "",
      message: `containerd and CRI-O take ${quote(first)}, the first by name; podman takes a network by its own name`,
    },
    ...(sameName === undefined ? [] : [twiceNamed(one.network, sameName.name)]),
    ...clashes(one, earlier),
  ];
}

function nameOf(network: Network): unknown {
  return headOf(network)["name"];
}

function twiceNamed(network: Network, other: string): Remark {
  return {
    severity: "warning",
    path: "name",
    message: `name ${quote(nameOf(network))}: ${quote(other)} has it too, so both share leases, and podman finds one of them`,
    hint: "Give each network a name of its own",
  };
}

/** A warning for each earlier network whose gateways cannot be on one node with these. */
function clashes(one: Named, earlier: readonly Named[]): Remark[] {
  return readEntries(one.network).flatMap((mine) =>
    earlier.flatMap(({ name, network }) =>
      readEntries(network).flatMap((theirs) => clash(mine, theirs, name) ?? []),
    ),
  );
}

function clash(mine: ReadEntry, theirs: ReadEntry, file: string): Remark | undefined {
  const kind = clashOf(mine.netconf, theirs.netconf);
  if (kind === undefined) return undefined;
  const { bridge } = mine.netconf;
  const at = (key: string): string => (mine.path === "" ? key : `${mine.path}.${key}`);
  if (kind === "bridge")
    return {
      severity: "warning",
      path: at("bridge"),
      message: `bridge ${quote(bridge)}: ${quote(file)} gives it another subnet, and a bridge is the gateway of one`,
      hint: "Give each network a bridge of its own, or both the same subnet",
    };
  return {
    severity: "warning",
    path: at("ipam"),
    message: `the subnet overlaps that of ${quote(file)}: an ADD is refused where pods of that network have been`,
    hint: "Give each network a subnet of its own",
  };
}
