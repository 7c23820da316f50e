// A small server on every node that tells who asks, and asking it.
import { join } from "node:path";
import type { Outcome } from "../../support/process.ts";
import { REPOSITORY } from "../../support/tool.ts";
import { apply, get, type Host, kubectl, rolledOut, type Thing, tryStage } from "./stage.ts";

/** Answers with the node's name at /, and with the address of who asks at /cgi-bin/me. */
export const SERVER =
  'mkdir -p /tmp/cgi-bin; echo "$NODE" > /tmp/index.html; ' +
  `printf '#!/bin/sh\\necho; echo "$REMOTE_ADDR"\\n' > /tmp/cgi-bin/me; chmod +x /tmp/cgi-bin/me; exec httpd -f -p 8080 -h /tmp`;

export const PORT = 8080;
export const HOST_PORT = 8081;

/** A pod's template that runs a line of the shell. */
export function template(app: string, line: string, spec: Thing = {}, container: Thing = {}): Thing {
  return {
    metadata: { labels: { app } },
    spec: {
      // At 0 a pod's object goes before the pod does, and the next one finds its host port taken.
      terminationGracePeriodSeconds: 1,
      // A Node object without a machine has no such label.
      nodeSelector: { "kubernetes.io/os": "linux" },
      tolerations: [{ operator: "Exists" }],
      containers: [
        {
          name: "main",
          image: "pontoon.test/busybox:1",
          imagePullPolicy: "Never",
          command: ["/bin/sh", "-c", line],
          env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
          ...container,
        },
      ],
      ...spec,
    },
  };
}

/** One pod on every node. */
export function daemonSet(app: string, line: string, spec: Thing = {}, container: Thing = {}): Thing {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: app },
    spec: { selector: { matchLabels: { app } }, template: template(app, line, spec, container) },
  };
}

/** A service of both families, with other fields of its `spec`. */
export function service(name: string, app: string, spec: Thing = {}): Thing {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app },
      ipFamilyPolicy: "RequireDualStack",
      ports: [{ port: 80, targetPort: PORT }],
      ...spec,
    },
  };
}

/** The server "web" on all nodes, by pods with a host port, and its service. */
export async function startWeb(): Promise<void> {
  await apply([
    daemonSet("web", SERVER, {}, { ports: [{ containerPort: PORT, hostPort: HOST_PORT }] }),
    service("web", "web"),
  ]);
  await rolledOut("daemonset/web");
}

export interface PodOf {
  name: string;
  ipv4: string;
  ipv6: string;
}

/** The running pod of an app on a node. */
export async function podOf(app: string, n: number): Promise<PodOf> {
  const { items } = await get("pods", "-l", `app=${app}`, "--field-selector", `spec.nodeName=node${n}`);
  const pod = (items as Thing[]).find(
    ({ metadata, status }) => metadata["deletionTimestamp"] === undefined && status["phase"] === "Running",
  );
  if (pod === undefined) throw new Error(`There is no running pod of ${app} on node${n}.`);
  const addresses = (pod["status"].podIPs as { ip: string }[]).map(({ ip }) => ip);
  return {
    name: pod["metadata"].name,
    ipv4: addresses.find((ip) => !ip.includes(":")) ?? "",
    ipv6: addresses.find((ip) => ip.includes(":")) ?? "",
  };
}

/** The addresses of a service. */
export async function addressesOf(name: string): Promise<{ ipv4: string; ipv6: string }> {
  const all = (await get("service", name))["spec"].clusterIPs as string[];
  return {
    ipv4: all.find((ip) => !ip.includes(":")) ?? "",
    ipv6: all.find((ip) => ip.includes(":")) ?? "",
  };
}

/** The names of pods that such a selection of kubectl gives. */
export async function namesOf(...selection: string[]): Promise<string[]> {
  const { items } = await get("pods", ...selection);
  return (items as Thing[]).map(({ metadata }) => metadata["name"]);
}

/**
 * Runs a line on a node in the network namespace of the pod that has this address: with the machine's own
 * programs, which know more than those in the image.
 */
export function inNamespaceOf(here: Host, address: string, line: string): Promise<Outcome> {
  const find = `for ns in /run/netns/*; do if nsenter --net=$ns ip -o addr | grep -q ' ${address}/'; then`;
  return here.try(`${find} exec nsenter --net=$ns sh -c '${line}'; fi; done; echo "no pod" >&2; exit 1`);
}

/** Starts the cluster's DNS. */
export async function startDns(): Promise<void> {
  await kubectl(["apply", "-f", join(REPOSITORY, "test/cluster/manifest/dns.yaml")]);
  await rolledOut("deployment/coredns", "kube-system");
}

/** Runs a line of the shell in a pod, whatever comes of it. */
export function inPod(pod: string, line: string): Promise<Outcome> {
  return tryStage(["kubectl", "exec", pod, "--", "sh", "-c", line]);
}

/** Runs a line in a pod; it has to succeed. */
export async function mustInPod(pod: string, line: string): Promise<string> {
  return kubectl(["exec", pod, "--", "sh", "-c", line]);
}

/** The line that fetches a page by HTTP within 3 s. */
export function fetchLine(address: string, port: number, path = "/"): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `timeout 3 busybox wget -qO- 'http://${host}:${port}${path}'`;
}

/** The source address of a request as the server saw it; from a pod's name or a host. */
export async function seenFrom(from: string | Host, address: string, port = PORT): Promise<string> {
  const line = fetchLine(address, port, "/cgi-bin/me");
  const text = typeof from === "string" ? await mustInPod(from, line) : await from.must(line);
  return text.trim().replaceAll(/^\[|\]$|::ffff:/g, "");
}
