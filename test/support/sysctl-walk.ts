// Writes another value into every sysctl that the pod's namespace lets it write, and says which of the host's
// values changed. Argument: the path of the host's network namespace. Runs inside the pod's namespace.
import "./native.ts";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { O_RDONLY, openFile } from "../../src/sys/file.ts";
import { inNamespace, openOwnNamespace } from "../../src/sys/netns.ts";

const host = openFile(process.argv[2] ?? "", O_RDONLY);
const home = openOwnNamespace();
let written = 0;
const leaks: string[] = [];
for (const path of walk("/proc/sys/net")) {
  // Known and refused; what is written there stays for ever.
  if (path.endsWith("/nf_hooks_lwtunnel")) continue;
  const before = read(path);
  if (before === undefined) continue;
  const outside = inNamespace(host, home, () => read(path));
  if (!others(before).some((value) => write(path, value))) continue;
  written += 1;
  if (inNamespace(host, home, () => read(path)) !== outside) leaks.push(path);
}
console.log(JSON.stringify({ written, leaks }));

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** Values near by, of which the kernel may like one. */
function others(value: string): string[] {
  const parts = value.trim().split(/\s+/);
  return parts.every((part) => /^-?\d+$/.test(part))
    ? [1, -1, 2].map((step) => parts.map((part) => String(Number(part) + step)).join(" "))
    : [value];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function write(path: string, value: string): boolean {
  try {
    writeFileSync(path, value);
    return true;
  } catch {
    return false;
  }
}
