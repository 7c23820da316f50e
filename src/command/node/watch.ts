// The changes to a node as lines of JSON for an agent.
import { watchNode } from "../../cluster/watch.ts";
import { asciiJson } from "../../cni/json.ts";
import { Node } from "../../host/node.ts";
import type { Person } from "../command.ts";

/** A line when the watching has begun, then one for each change. */
export function* watchLines({ waits }: Person): Generator<string> {
  using opened = Node.open();
  for (const changed of watchNode(opened, waits))
    yield changed.length === 0
      ? line({ ready: true })
      : changed.map((each) => line({ changed: each })).join("");
}

function line(value: object): string {
  return `${asciiJson(value)}\n`;
}
