// flannel by its own manifest, as a cluster has it that comes to Pontoon.
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../support/tool.ts";
import { nodes } from "./by-hand.ts";
import { build, importImage } from "./e2e.ts";
import { apply, kubectl, node, rolledOut } from "./stage.ts";

/** Programs that flannel's own image has, and their extensions. */
const PROGRAMS = ["iptables", "ip6tables", "iptables-restore", "ip6tables-restore"];
const EXTENSIONS = "/usr/lib/x86_64-linux-gnu/xtables";
/** What flannel's plugin calls; a node of a distribution has these. */
const PLUGINS = ["bridge", "host-local", "loopback", "portmap"];

/**
 * Starts flannel on every node, with VXLAN as the manifest has it, and waits until it runs. Pods have IPv4
 * alone. Gives the manifest's text.
 */
export async function startFlannel(): Promise<string> {
  const bin = build("flannel");
  const manifest = manifestOf(bin);
  await importImage([imagesOf(manifest), ...PROGRAMS], { EXTRA: rootOf(bin) });
  const plugins = PLUGINS.map((name) => join(REPOSITORY, ".tools/bin", name)).join(" ");
  for (const { n } of await nodes())
    await node(n).must(`mkdir -p /opt/cni/bin && cp ${plugins} /opt/cni/bin/`);
  await apply(manifest);
  // It gives up after 30 s where kube-proxy is not there yet, and is started again.
  await rolledOut("daemonset/kube-flannel-ds", "kube-flannel", 150);
  return manifest;
}

/** The plugin that could be built speaks CNI 0.4.0. */
function manifestOf(bin: string): string {
  const text = readFileSync(join(bin, "kube-flannel.yml"), "utf8");
  return text.replace('"cniVersion": "1.0.0"', '"cniVersion": "0.4.0"');
}

function imagesOf(manifest: string): string {
  const names = [...manifest.matchAll(/^ +image: (\S+)$/gm)].map(([, name]) => name);
  return [...new Set(names)].join(",");
}

/** The files of flannel's two images, in their places. */
function rootOf(bin: string): string {
  const root = join(process.env["STATE"] ?? "", "../flannel");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, "opt/bin"), { recursive: true });
  cpSync(join(bin, "flannel"), join(root, "flannel"));
  for (const name of ["flanneld", "install-conf"]) cpSync(join(bin, name), join(root, "opt/bin", name));
  cpSync(EXTENSIONS, join(root, EXTENSIONS), { recursive: true });
  return root;
}

/** Takes away what this stage has put on the nodes for flannel, and what the runtime noted of its pods. */
export async function clearNodes(): Promise<void> {
  const files = PLUGINS.map((name) => `/opt/cni/bin/${name}`).join(" ");
  for (const { n } of await nodes()) await node(n).must(`rm -f ${files} /var/lib/cni/results/cbr0-*`);
}

/** Takes flannel's objects away; what it made on the nodes stays, as flannel leaves it. */
export async function stopFlannel(): Promise<void> {
  await kubectl(["delete", "--ignore-not-found", "--wait", "--timeout=60s", "namespace", "kube-flannel"]);
  await kubectl(["delete", "--ignore-not-found", "clusterrole,clusterrolebinding", "flannel"]);
}
