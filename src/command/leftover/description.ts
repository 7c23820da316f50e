// Leftovers in words, and as values for programs.
import { attachmentTitle } from "../../attachment/name.ts";
import { formatAddress } from "../../ip/address.ts";
import { cachePath } from "../../runtime/cache.ts";
import type { Leftover } from "../../teardown/leftover.ts";
import { mappingTexts } from "../text.ts";

/** A leftover for people and programs. A text may hold anything that a runtime has said. */
export interface Described {
  kind: "attachment" | "lease" | "cache";
  network: string;
  containerId: string;
  interface: string | undefined;
  pod: string | undefined;
  addresses: string[];
  /** Host ports, as `8080->80/tcp`. */
  hostPorts: string[];
  reason: string;
  /** All of it in one line. */
  title: string;
}

/** The description of a leftover. */
export function describe(leftover: Leftover): Described {
  const nothing = { pod: undefined, addresses: [], hostPorts: [], reason: leftover.reason };
  switch (leftover.kind) {
    case "attachment": {
      const { key, pod, addresses } = leftover.attachment;
      const { network, containerId, interfaceName } = key;
      const hostPorts = mappingTexts(leftover.attachment);
      const own = { network, containerId, interface: interfaceName, pod, hostPorts };
      const held = addresses.map(({ address }) => formatAddress(address.address));
      return {
        ...nothing,
        kind: "attachment",
        ...own,
        addresses: held,
        title: attachmentTitle({ key, pod }),
      };
    }
    case "unrecorded":
    case "cached": {
      const key = leftover.kind === "cached" ? leftover.cached.key : leftover.key;
      const { network, containerId, interfaceName } = key;
      const title = attachmentTitle({ key });
      const isCache = leftover.kind === "cached";
      return {
        ...nothing,
        kind: isCache ? "cache" : "attachment",
        network,
        containerId,
        interface: interfaceName,
        title: isCache ? `${cachePath(key)} of ${title}` : title,
      };
    }
    case "lease": {
      const { key, addresses } = leftover;
      const { network, containerId, interfaceName } = key;
      const own = { network, containerId, interface: interfaceName, addresses: addresses.map(formatAddress) };
      return { ...nothing, kind: "lease", ...own, title: `lease of ${attachmentTitle({ key })}` };
    }
  }
}
