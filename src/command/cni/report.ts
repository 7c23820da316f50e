// The result of an ADD for a person.
import type { AttachmentKey } from "../../cni/attachment-key.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { Problems } from "../../cni/problems.ts";
import { formatResult } from "../../cni/result-format.ts";
import { readResult } from "../../cni/result-parse.ts";
import { NEWEST_VERSION } from "../../cni/version.ts";
import { shown, styled, type Terminal } from "../../terminal/terminal.ts";

/** An attachment that was made. */
export interface Added {
  key: AttachmentKey;
  /** The arguments for capabilities. */
  capabilities: Fields;
  /** The result of the chain, in any version. */
  result: Fields;
}

/** Lines about an attachment that was made. */
export function addedText({ key, capabilities, result }: Added, terminal: Terminal): string {
  const { interfaces, ips, routes, dns } = inNewestShape(result);
  const inPod = interfaces.find(({ sandbox }) => textOf(sandbox) !== "");
  const onNode = interfaces.filter(({ sandbox }) => textOf(sandbox) === "").map(({ name }) => textOf(name));
  const rows: [string, string][] = [
    ...ips.map(({ address, gateway }): [string, string] => [
      "address",
      `${textOf(address)}${gateway === undefined ? "" : ` by ${textOf(gateway)}`}`,
    ]),
    ["MAC", textOf(inPod?.["mac"])],
    ["on the node", onNode.join(", ")],
    ...routes.map(({ dst, gw }): [string, string] => [
      "route",
      `${textOf(dst)}${gw === undefined ? "" : ` by ${textOf(gw)}`}`,
    ]),
    ...listOf(capabilities["portMappings"]).map(({ hostPort, containerPort, protocol }): [string, string] => [
      "host port",
      `${hostPort}->${containerPort}/${protocol}`,
    ]),
    ["DNS", dns],
    ["container", key.containerId],
  ];
  const title = `${shown(key.interfaceName)} is attached to network ${shown(key.network)}`;
  const lines = rows.filter(([, text]) => text !== "").map(([name, text]) => `  ${name.padEnd(11)}  ${text}`);
  return `${[styled(title, "bold", terminal), ...lines].join("\n")}\n`;
}

/** The parts of a result that are shown, in the shape of the newest version. */
interface Shown {
  interfaces: Fields[];
  ips: Fields[];
  routes: Fields[];
  dns: string;
}

function inNewestShape(result: Fields): Shown {
  const read = readResult(result, "result", new Problems());
  const whole = JSON.parse(formatResult(read, NEWEST_VERSION)) as Fields;
  const { nameservers } = isFields(whole["dns"]) ? whole["dns"] : {};
  return {
    interfaces: listOf(whole["interfaces"]),
    ips: listOf(whole["ips"]),
    routes: listOf(whole["routes"]),
    dns: Array.isArray(nameservers) ? nameservers.map(textOf).join(", ") : "",
  };
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? shown(value) : "";
}
