// The result of an ADD, with random names and MACs replaced by what they are.
import type { CniResult } from "../support/cni.ts";
import { type Facts, flatten } from "./facts.ts";
import type { Look } from "./probe.ts";
import type { Names } from "./probe-network.ts";

export function resultFacts(result: CniResult, { node, red }: Look, names: Names, facts: Facts): void {
  const interfaces = result.interfaces?.map(({ name, mac, ...rest }) => {
    const links = (rest.sandbox ?? "") === "" ? node : red;
    const link = links.find(({ ifname }) => ifname === name);
    return {
      name: names.of(name),
      mac: mac === link?.address ? `that of the link, ${names.mac(mac ?? "")}` : mac,
      ...rest,
    };
  });
  flatten(interfaces === undefined ? result : { ...result, interfaces }, "result", facts);
}
