// The lines of `pontoon status`, each about one subject.

import type { NodeState } from "../../cluster/state.ts";
import type { Netconf } from "../../cni/config.ts";
import type { FindingCode } from "../../doctor/code.ts";
import type { Diagnosis } from "../../doctor/doctor.ts";
import { networksOf } from "../../doctor/finding.ts";
import { formatAddress } from "../../ip/address.ts";
import { type ConfigurationFile, poolsOf } from "../../survey/network.ts";
import type { Surroundings } from "../../survey/surroundings.ts";
import type { Survey } from "../../survey/survey.ts";
import { fileIdentity, fileStatus } from "../../sys/status.ts";
import { shown } from "../../terminal/terminal.ts";
import { counted } from "../text.ts";

/** A line: its subject, what there is, and whether that is well. */
export interface Line {
  subject: string;
  text: string;
  isWell: boolean;
  /** Worth knowing, and no fault. */
  isNote?: true;
}

/** The most ports of a Linux bridge (BR_MAX_PORTS, net/bridge/br_private.h). */
const MOST_PORTS = 1023;

const line = (subject: string, text: string, isWell = true): Line => ({ subject, text, isWell });
const note = (subject: string, text: string): Line => ({ subject, text, isWell: true, isNote: true });

/** The codes of findings that are about the node, by the line that they are about. */
const CODES: { readonly [subject: string]: readonly FindingCode[] } = {
  "way out": ["mtuAboveWayOut"],
  forwarding: ["forwardingDiffers", "forwardingOff"],
  firewalls: ["firewallDrops"],
};

/**
 * The lines as the doctor judges them: those about which it tells a fault are not well, and where it tells
 * none at all, none is.
 */
export function judged(lines: readonly Line[], { findings, blind }: Diagnosis): Line[] {
  const faults = findings.filter(({ severity }) => severity !== "note");
  const isFault = ({ subject }: Line): boolean =>
    faults.some(
      (fault) =>
        CODES[subject]?.includes(fault.code) === true ||
        networksOf(fault).some((name) => subject === networkSubject(name)),
    );
  const isContent = faults.length === 0 && blind.length === 0;
  return lines.map((each) => {
    if (isFault(each)) return { ...each, isWell: false };
    return each.isWell || !isContent ? each : note(each.subject, each.text);
  });
}

const networkSubject = (name: string): string => `network ${shown(name)}`;

/** The executable that a runtime starts, and whether it is this one. */
export function executableLine(folder: string): Line {
  const path = `${folder}/pontoon`;
  const file = fileStatus(path);
  if (fileStatus(folder) === undefined)
    return note("executable", `there is no folder ${folder}; --bin-dir names that of the runtime`);
  if (file === undefined) return line("executable", `${path} is not there, so no runtime starts it`, false);
  if ((file.mode & 0o111) === 0) return line("executable", `${path} may not be run (chmod +x)`, false);
  const isThis = fileIdentity(path) === fileIdentity("/proc/self/exe");
  return line("executable", isThis ? path : `${path}, which is another file than this one`);
}

/** The configuration that a runtime takes. */
export function configurationLine(files: readonly ConfigurationFile[], folder: string): Line {
  const [first, ...others] = files;
  if (first === undefined) return note("configuration", `there is none in ${folder}`);
  const rest = others.length === 0 ? "" : `; ${counted(others.length, "file")} behind it`;
  if (first.error !== undefined)
    return line("configuration", `${first.path} is wrong: ${shown(first.error.message)}`, false);
  if (!first.plugins.includes("pontoon"))
    return note("configuration", `a runtime takes ${first.path}, which is not Pontoon's${rest}`);
  return line("configuration", `a runtime takes ${first.path}${rest}`);
}

/** A line for each network that is configured. */
export function networkLines(files: readonly ConfigurationFile[], survey: Survey): Line[] {
  return files.flatMap(({ netconfs }) => netconfs).map((netconf) => networkLine(netconf, survey));
}

function networkLine(netconf: Netconf, { attachments, links }: Survey): Line {
  const { name, attach, bridge, ipMasq, ingressPolicy } = netconf;
  const pods = attachments.filter(({ attachment }) => attachment.key.network === name).length;
  const [pool] = poolsOf(netconf).pools.sort((a, b) => (a.size - a.taken < b.size - b.taken ? -1 : 1));
  const link = attach === "bridge" ? [...links.values()].find((each) => each.name === bridge) : undefined;
  const ports = [...links.values()].filter(
    ({ master }) => link !== undefined && master === link.index,
  ).length;
  const parts = [
    attach === "bridge" ? `bridge ${bridge}` : attach,
    counted(pods, "pod"),
    ...(pool === undefined ? [] : [`${pool.taken} of ${pool.size} addresses`]),
    ...(link === undefined ? [] : [`${ports} of ${MOST_PORTS} ports`, `MTU ${link.mtu}`]),
    ...(ipMasq ? ["masquerading"] : []),
    ...(ingressPolicy === undefined ? [] : [`policy ${ingressPolicy}`]),
  ];
  return line(networkSubject(name), parts.join(", "), pool === undefined || pool.taken < pool.size);
}

/** The node's ways out, forwarding, and the firewalls that drop. */
export function surroundingLines({ waysOut, forwards, drops }: Surroundings, { links }: Survey): Line[] {
  const ways = [...waysOut].map(([family, { index, gateway }]) => {
    const link = links.get(index);
    const by = gateway === undefined ? "" : ` by ${formatAddress(gateway)}`;
    return `IPv${family}${by} on ${shown(link?.name ?? "?")}, MTU ${link?.mtu ?? "?"}`;
  });
  return [
    line("way out", ways.length === 0 ? "the node has no default route" : ways.join("; ")),
    line(
      "forwarding",
      ([4, 6] as const)
        .map((family) => `IPv${family} ${forwards.includes(family) ? "on" : "off"}`)
        .join(", "),
    ),
    line(
      "firewalls",
      drops.length === 0
        ? "none drops by default what is forwarded"
        : `${drops.map(shown).join(", ")}: drops by default what is forwarded`,
    ),
  ];
}

/** What the node has for pods of other nodes; nothing where it has none. */
export function clusterLines({ routes, tunnel, masquerade }: NodeState): Line[] {
  const parts = [
    ...(routes.length === 0 ? [] : [`${counted(routes.length, "route")} to other nodes' pods`]),
    ...(tunnel === undefined ? [] : [`tunnel ${tunnel.name} to ${counted(tunnel.peers.length, "node")}`]),
    ...(masquerade === undefined ? [] : [`masquerading from ${masquerade.from.join(", ") || "nothing"}`]),
  ];
  return parts.length === 0 ? [] : [line("cluster", parts.join("; "))];
}

/** The attachments by their states. */
export function podLine({ attachments, leases, pairs }: Survey): Line {
  const counts = new Map<string, number>();
  for (const { state } of attachments) counts.set(state, (counts.get(state) ?? 0) + 1);
  const strays = leases.length + pairs.filter(({ key }) => key !== undefined).length;
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  const isWell = strays === 0 && !counts.has("drift") && !counts.has("dead");
  if (strays > 0) parts.push(`${strays} stray`);
  return line("pods", parts.length === 0 ? "none" : parts.join(", "), isWell);
}

/** What the doctor says of it all. */
export function verdictLine({ findings, blind }: Diagnosis): Line {
  const faults = findings.filter(({ severity }) => severity !== "note");
  if (blind.length > 0)
    return line(
      "verdict",
      `${counted(blind.length, "examination")} could not look; "pontoon doctor" says why`,
      false,
    );
  if (faults.length === 0) return line("verdict", "all is well");
  const [first] = faults;
  const rest = faults.length === 1 ? "" : `, and ${faults.length - 1} more`;
  return line(
    "verdict",
    `${shown(first?.subject ?? "")}: ${shown(first?.sentence ?? "")}${rest}; "pontoon doctor" says how to mend it`,
    false,
  );
}
