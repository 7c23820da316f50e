// The command line of `pontoon cni` for one attachment: the call that a runtime would make.
import type { AttachmentKey } from "../../cni/attachment-key.ts";
import { CniError } from "../../cni/error.ts";
import { isPlainName } from "../../cni/name.ts";
import { quote } from "../../cni/problems.ts";
import { type CachedAttachment, readCache } from "../../runtime/cache.ts";
import {
  type Capability,
  isMac,
  isRequestedAddress,
  readPortMapping,
  readRates,
} from "../../runtime/capability.ts";
import { type Asked, type Chain, declaredCapabilities } from "../../runtime/chain.ts";
import { sha512 } from "../../sys/hash.ts";
import { namedNamespace } from "../../sys/named-namespace.ts";
import { absolutePath } from "../../sys/path.ts";
import { Misuse } from "../misuse.ts";
import type { CniOptions } from "./options.ts";

/** The call for an attachment that the options describe. Throws Misuse, and CniError where it cannot work. */
export function askedBy(options: CniOptions, chain: Chain, namespacePath: string): Asked {
  const interfaceName = options.ifname ?? "eth0";
  if (!/^[^\s/:]{1,15}$/.test(interfaceName))
    throw new Misuse(`--ifname ${quote(interfaceName)} is no name of an interface`);
  const containerId = options.id ?? cnitoolId(namespacePath);
  if (!isPlainName(containerId)) throw new Misuse(`--id ${quote(containerId)} is no container id`);
  const asked = {
    containerId,
    interfaceName,
    namespacePath,
    args: readArgs(options.args ?? []),
    capabilities: capabilitiesOf(options),
  };
  refuseUndeclared(chain, Object.keys(asked.capabilities));
  return asked;
}

/**
 * The call for an attachment that was made before: what the options leave open is as the cache remembers it.
 * Throws as {@link askedBy} does, and Misuse where nothing tells which attachment is meant.
 */
export function askedAgain(options: CniOptions, chain: Chain): Asked {
  const { netns, id } = options;
  if (netns === undefined && id === undefined)
    throw new Misuse("name the pod's namespace with -n, or the container with --id");
  const asked = askedBy(options, chain, netns === undefined ? "" : pathOf(netns));
  const { containerId, interfaceName } = asked;
  const cached = remembered({ network: chain.list.name, containerId, interfaceName });
  return {
    ...asked,
    namespacePath: netns === undefined ? (cached?.namespacePath ?? "") : asked.namespacePath,
    args: options.args === undefined ? (cached?.args ?? []) : asked.args,
    capabilities: { ...cached?.capabilities, ...asked.capabilities },
  };
}

/** The path of a namespace that a person names: a path, or a name in /run/netns. */
export function pathOf(netns: string): string {
  return netns.includes("/") ? absolutePath(netns) : namedNamespace(nameOf(netns));
}

/** The name of a namespace in /run/netns. Throws Misuse for another text. */
export function nameOf(name: string): string {
  if (!isPlainName(name)) throw new Misuse(`${quote(name)} is no name of a namespace`);
  return name;
}

function remembered(key: AttachmentKey): CachedAttachment | undefined {
  return readCache(key);
}

/** The container id that cnitool makes of a namespace's path (cnitool/cnitool.go). */
function cnitoolId(namespacePath: string): string {
  return `cnitool-${sha512(namespacePath).slice(0, 20)}`;
}

function readArgs(given: readonly string[]): [string, string][] {
  return given
    .flatMap((text) => text.split(";"))
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1 || equals === pair.length - 1)
        throw new Misuse(`--args ${quote(pair)}: write it as in K8S_POD_NAME=web`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    });
}

function capabilitiesOf({ port, ip, mac, rate }: CniOptions): { [Name in Capability]?: unknown } {
  const portMappings = port?.map((text) => {
    const mapping = readPortMapping(text);
    if (mapping === undefined)
      throw new Misuse(`--port ${quote(text)}: write it as in 8080:80 or 8080:80/udp`);
    return mapping;
  });
  const wrong = ip?.find((text) => !isRequestedAddress(text));
  if (wrong !== undefined) throw new Misuse(`--ip ${quote(wrong)} is no address`);
  if (mac !== undefined && !isMac(mac)) throw new Misuse(`--mac ${quote(mac)} is no MAC of an interface`);
  const bandwidth = rate === undefined ? undefined : readRates(rate);
  if (rate !== undefined && bandwidth === undefined)
    throw new Misuse(`--rate ${quote(rate)}: write it as in 10M or 10M/5M`);
  return {
    ...(portMappings && { portMappings }),
    ...(ip && { ips: ip }),
    ...(mac !== undefined && { mac }),
    ...(bandwidth && { bandwidth }),
  };
}

/** Refuses arguments that no plugin of the network would get: a runtime drops them without a word. */
function refuseUndeclared({ list }: Chain, given: readonly string[]): void {
  const declared = declaredCapabilities(list);
  const missing = given.filter((capability) => !declared.has(capability));
  if (missing.length === 0) return;
  const [first] = missing;
  throw new CniError("invalidConfig", {
    message: `no plugin of network ${list.name} declares the capability ${missing.join(", ")}, so none would be told`,
    hint: `Write "capabilities": { "${first}": true } in the plugin's entry`,
  });
}
