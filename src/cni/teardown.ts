// The few settings of a configuration that DEL and GC need.
import { type Way, wayOf } from "./attach.ts";
import type { MasqueradeBackend } from "./bridge-config.ts";
import { decodeConfig } from "./decode.ts";
import { CniError } from "./error.ts";
import { foreignIpamOf, isPluginName } from "./ipam-config.ts";
import { type Fields, isFields, type KeyTree, type Kind } from "./keys.ts";
import { isBridgeName, isUsablePath } from "./netconf-check.ts";
import { DEFAULT_BRIDGE, DEFAULT_DATA_DIR } from "./netconf-keys.ts";
import { Problems } from "./problems.ts";
import type { Result } from "./result.ts";
import { readResult } from "./result-parse.ts";
import type { Version } from "./version.ts";

/**
 * The settings that DEL and GC need. The configuration may have been edited since ADD, so values that cannot
 * be used are replaced by their defaults and ranges are not looked at.
 */
export interface TeardownConfig {
  cniVersion: Version;
  name: string;
  attach: Way;
  /** Undefined: the pods are attached in a way without a bridge. */
  bridge: string | undefined;
  /** Absolute path. */
  dataDir: string;
  /** As in Netconf; undefined as well when no plugin can have that name. */
  foreignIpam: string | undefined;
  ipMasq: boolean;
  ipMasqBackend: MasqueradeBackend;
  /** The previous result; undefined as well when it cannot be read. */
  prevResult: Result | undefined;
  /** The attachments that are still in use, for GC. Undefined for DEL. */
  validAttachments: ValidAttachment[] | undefined;
}

export interface ValidAttachment {
  containerId: string;
  interfaceName: string;
}

/** The specification's key, and its name before 1.1.0 was corrected; libcni sends both. */
const LISTS = ["cni.dev/valid-attachments", "cni.dev/attachments"] as const;
const LIST: Kind = [{ containerID: true, ifname: true }];
const TEARDOWN_KEYS: KeyTree = {
  cniVersion: true,
  name: true,
  attach: true,
  bridge: true,
  ipam: { type: true, dataDir: true },
  ipMasq: true,
  ipMasqBackend: true,
  prevResult: true,
  [LISTS[0]]: LIST,
  [LISTS[1]]: LIST,
};

/**
 * The configuration on stdin for DEL and GC. Throws as {@link decodeConfig} does and, for GC, CniError 7 for
 * a list of attachments that is missing or cannot be read; all other errors are ignored, so that DEL and GC
 * can do their work.
 */
export function parseTeardownConfig(text: string, verb: "DEL" | "GC"): TeardownConfig {
  const { cniVersion, name, fields, sent } = decodeConfig(text, verb, { known: TEARDOWN_KEYS });
  const { attach, bridge, ipam, ipMasq, ipMasqBackend, prevResult } = fields;
  const dataDir = isFields(ipam) ? ipam["dataDir"] : undefined;
  const foreignIpam = foreignIpamOf(fields);
  const way = wayOf(attach);
  return {
    cniVersion,
    name,
    attach: way,
    bridge: way === "bridge" ? bridgeNameOr(DEFAULT_BRIDGE, bridge) : undefined,
    dataDir: typeof dataDir === "string" && isUsablePath(dataDir) ? dataDir : DEFAULT_DATA_DIR,
    foreignIpam: foreignIpam !== undefined && isPluginName(foreignIpam) ? foreignIpam : undefined,
    ipMasq: ipMasq === true,
    ipMasqBackend: ipMasqBackend === "iptables" ? ipMasqBackend : "nftables",
    prevResult: prevResult === undefined ? undefined : readResultOrNothing(prevResult),
    validAttachments: verb === "GC" ? readLists(fields, sent) : undefined,
  };
}

function bridgeNameOr(instead: string, name: unknown): string {
  return typeof name === "string" && isBridgeName(name) ? name : instead;
}

function readResultOrNothing(value: unknown): Result | undefined {
  const problems = new Problems();
  const result = readResult(value, "prevResult", problems);
  return problems.isEmpty ? result : undefined;
}

/**
 * The attachments of both lists. A lease that is kept too long is safer than a lease that is freed too soon.
 */
function readLists(fields: Fields, sent: Fields): ValidAttachment[] {
  // Go writes an empty list as null, and reads keys without regard to case.
  const isListed = Object.keys(sent).some((key) => LISTS.some((list) => list === key.toLowerCase()));
  if (!isListed) throw withoutList();
  return LISTS.flatMap((key) => {
    const list = fields[key] ?? [];
    if (!Array.isArray(list)) throw malformed(key, "must be a list");
    return list.map((entry: unknown, index) => readEntry(entry, `${key}[${index}]`));
  });
}

/** The refusal of a GC without a list, which would remove the network of every pod. */
function withoutList(): CniError {
  return new CniError("invalidConfig", {
    about: `${LISTS[0]} is missing`,
    attempted: "Read the list of attachments that are in use; nothing was removed",
    cause: "without the list of attachments that are in use a GC would remove all of them",
    hint: "Send the list; an empty one removes every attachment of the network",
  });
}

function readEntry(entry: unknown, path: string): ValidAttachment {
  const { containerID, ifname } = isFields(entry) ? entry : {};
  if (typeof containerID !== "string" || containerID === "") throw malformed(path, "must have a containerID");
  if (typeof ifname !== "string" || ifname === "") throw malformed(path, "must have an ifname");
  return { containerId: containerID, interfaceName: ifname };
}

function malformed(path: string, text: string): CniError {
  return new CniError("invalidConfig", {
    about: `${path}: ${text}`,
    attempted: "Read the list of attachments that are in use; nothing was removed",
    hint: "Report this to the runtime that sent the list",
  });
}
