// The wish made so. The whole of it is compared with the kernel at each call, so an event that nobody heard
// of, a killed call and a reboot are all the same.
import { sysctlCommand } from "../host/difference.ts";
import { ensureForwarding, isForwarding } from "../host/kind/forwarding/forwarding.ts";
import type { Node } from "../host/node.ts";
import { hasFamily } from "../ip/prefix.ts";
import { getLink } from "../net/link.ts";
import type { NewRoute } from "../net/route.ts";
import { describeWayOut } from "../net/way-out.ts";
import { readTextOfAny } from "../sys/file.ts";
import { lockInPatience, PATIENCE_MS } from "../sys/flock.ts";
import { bridgesIn, type NamedBridge, removeBridges, removeFormerGateways } from "./bridge.ts";
import { ensureConflist, folderOf, markedIn, removeStale, withoutSlash } from "./conflist.ts";
import { addressChanges, type Device, deviceRemoval, ensureDevice, ownDevice } from "./device.ts";
import { ensureMasquerade } from "./masquerade.ts";
import { peerChanges } from "./peer.ts";
import { Report } from "./report.ts";
import { ownRoutes, routeChanges, wantedRoutes } from "./route.ts";
import type { Wish } from "./wish.ts";

/** How a wish is applied. */
export interface Manner {
  isDryRun: boolean;
  /** The folder where configurations of a former wish are looked for, beside that of the wish. */
  confFolder: string;
}

/** The wish of a node that is to have nothing. */
export const NOTHING: Wish = { version: 1, podSubnets: [], routes: [] };

/**
 * Makes the node as wished, as far as that goes: what is refused stops nothing else. One call at a time works
 * on a network namespace. Throws SystemError.
 */
export function applyWish(wish: Wish, node: Node, { isDryRun, confFolder }: Manner): Report {
  const report = new Report(isDryRun);
  lock(node, report);
  const isForwarded = switchOn(wish, node, report);
  const before = namedBridges(confFolder);
  const what = "bridges of before";
  if (wish.conflist !== undefined)
    report.part(what, () => removeFormerGateways(before, wish.podSubnets, { node, report }));
  report.part("routes", () => applyRoutes(wish, node, report));
  const isMasqueraded = ensureMasquerade(wish, node, report);
  applyConflist(wish, report, { confFolder, isReady: isForwarded && isMasqueraded });
  if (wish.conflist === undefined) report.part(what, () => removeBridges(before, node, report));
  return report;
}

/** The bridges of the configurations that were written by an apply and are as they were. */
function namedBridges(confFolder: string): NamedBridge[] {
  return markedIn([withoutSlash(confFolder)])
    .filter(({ state }) => state === "as written")
    .flatMap(({ path }) => bridgesIn(readTextOfAny(path) ?? ""));
}

/**
 * The lock is that of the network namespace's own file: it needs no folder, and holds whichever folders the
 * callers see. It goes with the process. Any process of the namespace may hold it, also one without rights,
 * so a call does not wait for ever: two at a time do no harm that the next does not mend.
 */
function lock({ home }: Node, report: Report): void {
  if (lockInPatience(home, "the network namespace", PATIENCE_MS)) return;
  report.note(
    "heldLock",
    "another process has held the lock of the network namespace for 10 s, so this call went on without it; `grep FLOCK /proc/locks` shows its id",
  );
}

/** Switches on forwarding of the pods' families. True when it is on. */
function switchOn({ podSubnets }: Wish, node: Node, report: Report): boolean {
  const off = ([4, 6] as const).filter((each) => hasFamily(podSubnets, each) && !isForwarding(each));
  const done = off.map((family) =>
    report.attempt({ what: `forwarding of IPv${family}`, action: "changed" }, () => {
      ensureForwarding(family, node);
    }),
  );
  return done.every(Boolean);
}

/** Tunnel, nodes behind it, and routes. A tunnel that is refused stays as it is, with its routes. */
function applyRoutes(wish: Wish, node: Node, report: Report): void {
  const before = ownDevice(node);
  const device = wish.tunnel && ensureDevice(wish.tunnel, wish.podSubnets, { node, report });
  const isRefused = wish.tunnel !== undefined && device === undefined;
  if (wish.tunnel !== undefined && device !== undefined)
    report.carryOut(node.links, [
      ...addressChanges(device, wish.podSubnets, node),
      ...peerChanges(device, wish.tunnel.peers, node),
    ]);
  const known: Device | undefined = device ?? (before && { index: before.index });
  const wanted = wantedRoutes(isRefused ? { ...wish, tunnel: undefined } : wish, known, { node, report });
  const found = ownRoutes(node).filter(({ index }) => index !== device?.replaced);
  report.carryOut(node.links, routeChanges(found, wanted, isRefused ? before?.index : undefined));
  const direct = wanted.filter(({ index }) => index !== known?.index);
  noteNotForwarding(wish, direct, { node, report });
  if (wish.tunnel === undefined) report.carryOut(node.links, deviceRemoval(node));
}

/**
 * Tells interfaces by which packets to pods come in, from other nodes and as answers from outside, that
 * forward none although the node does: a setting of somebody for that interface.
 */
function noteNotForwarding(
  { podSubnets }: Wish,
  direct: readonly NewRoute[],
  { node, report }: { node: Node; report: Report },
): void {
  if (!hasFamily(podSubnets, 4) || !isForwarding(4)) return;
  const wayOut = describeWayOut(4, node.links);
  const indices = direct.filter(({ dst }) => dst.address.family === 4).map(({ index }) => index);
  for (const index of new Set([...indices, ...(wayOut === undefined ? [] : [wayOut.index])])) {
    const link = getLink(node.links, { index });
    if (link === undefined || link.forwards) continue;
    const cure = sysctlCommand(`ipv4/conf/${link.name}/forwarding`, "1");
    report.note(
      "notForwarding",
      `${link.name} does not forward IPv4, though the node does, so no packet that comes in by it reaches a pod; "${cure}" switches it on`,
    );
  }
}

/** A node is Ready with the file, so it comes last, and not before packets can pass. */
function applyConflist(
  { conflist }: Wish,
  report: Report,
  { confFolder, isReady }: { confFolder: string; isReady: boolean },
): void {
  if (conflist !== undefined && isReady) ensureConflist(conflist, report);
  else if (conflist !== undefined)
    report.refuse(
      `conflist ${conflist.path}`,
      "notReady",
      "forwarding and masquerading have to be there before it",
    );
  const folder = withoutSlash(confFolder);
  const folders = conflist === undefined ? [folder] : [folder, folderOf(conflist.path)];
  report.part("conflists of before", () => removeStale(folders, conflist?.path, report));
}
