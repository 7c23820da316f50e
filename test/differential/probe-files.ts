// The node's files: what lies in /run and /var/lib/cni, what leases say, and what sysfs says of links. Read
// through /proc, without a program.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../support/world.ts";
import type { Facts } from "./facts.ts";

/** Where the world's links are shown as files: a sysfs of its own. */
export const SYSFS = "/run/world/sys";

/** Folders of the world itself. */
const NOT_OURS = new Set(["/run/world", "/run/netns"]);

/** Each file and folder with its mode; digests have no name, and leases their content. */
export function fileFacts(world: World, facts: Facts, folder = ["/run", "/var/lib/cni"]): void {
  for (const parent of folder) {
    for (const entry of readdirSync(world.outside(parent), { withFileTypes: true })) {
      const path = join(parent, entry.name);
      if (NOT_OURS.has(path)) continue;
      const mode = (statSync(world.outside(path)).mode & 0o7777).toString(8);
      facts.set(
        `node.file.${path.replace(/[0-9a-f]{12,}/, "HASH")}`,
        `${entry.isDirectory() ? "folder" : "file"} ${mode}`,
      );
      if (entry.isDirectory()) fileFacts(world, facts, [path]);
      else if (/^\/var\/lib\/cni\/(networks|other)\//.test(path))
        facts.set(`node.lease.${path}`, leaseText(world.read(path)));
    }
  }
}

/** As host-local reads it: space is space, and a mapped address is the IPv4 address. */
function leaseText(text: string): string {
  return text
    .split(/\s+/)
    .join(" ")
    .trim()
    .replace(/^::ffff:(?=[\d.]+$)/, "");
}

/**
 * True when somebody set the link's MAC (linux/netdevice.h: NET_ADDR_SET), so that it does not change with
 * the ports.
 */
export function isPinned(world: World, interfaceName: string): boolean {
  return (
    readFileSync(world.outside(`${SYSFS}/class/net/${interfaceName}/addr_assign_type`), "utf8").trim() === "3"
  );
}
