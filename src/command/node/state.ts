// The state of a node as a person reads it.
import type { NodeState } from "../../cluster/state.ts";
import { tableOf } from "../../terminal/table.ts";
import { shown, type Terminal } from "../../terminal/terminal.ts";
import { wrapped } from "../../terminal/wrap.ts";
import { counted } from "../text.ts";

/** The most ranges of exceptions that are listed; a cluster may have thousands. */
const MOST_RANGES = 8;

/** The state as paragraphs; one line where there is nothing. */
export function stateText(state: NodeState, terminal: Terminal): string {
  const paragraphs = [
    routesText(state, terminal),
    tunnelText(state, terminal),
    masqueradeText(state, terminal),
    conflistsText(state),
  ].filter((text) => text !== "");
  return paragraphs.length === 0 ? "nothing: no wish was applied on this node\n" : paragraphs.join("\n");
}

function routesText({ routes }: NodeState, terminal: Terminal): string {
  if (routes.length === 0) return "";
  const columns = [{ title: "ROUTE TO" }, { title: "VIA" }, { title: "INTERFACE" }];
  const rows = routes.map(({ subnet, via = "", interface: name }) => [subnet, via, shown(name)]);
  return tableOf(columns, rows, terminal);
}

function tunnelText({ tunnel }: NodeState, { columns }: Terminal): string {
  if (tunnel === undefined) return "";
  const { name, mac, mtu, isUp, vni, port, local, peers } = tunnel;
  const lines = [
    ...wrapped(`tunnel ${name} at ${local}: number ${vni}, port ${port}`, columns),
    `  MAC ${mac}, MTU ${mtu}, ${isUp ? "up" : "down"}`,
    ...peers.map((peer) => `  ${peer.mac} at ${peer.address}`),
  ];
  return `${lines.join("\n")}\n`;
}

function masqueradeText({ masquerade }: NodeState, { columns }: Terminal): string {
  if (masquerade === undefined) return "";
  const { from, except } = masquerade;
  const rest = except.length - MOST_RANGES;
  const lines = [
    ...wrapped(`masquerade from ${from.join(", ") || "nothing"}, but not to`, columns),
    ...except.slice(0, MOST_RANGES).map((range) => `  ${range}`),
    ...(rest > 0 ? [`  and ${counted(rest, "range")} more (--json has all)`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function conflistsText({ conflists }: NodeState): string {
  return conflists.map(({ path, state }) => `conflist ${shown(path)}: ${state}\n`).join("");
}
