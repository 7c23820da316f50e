// `pontoon metrics`: figures of the node in the text form of Prometheus, for node-exporter's textfile
// collector.

import { programVersion } from "../cni/about.ts";
import { labelOf } from "../doctor/code.ts";
import { type Diagnosis, diagnoseAll } from "../doctor/doctor.ts";
import type { Severity } from "../doctor/finding.ts";
import { groupBy } from "../doctor/group.ts";
import { sentencesOf } from "../failure/failure.ts";
import { Node } from "../host/node.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { poolsOf, readConfigurations } from "../survey/network.ts";
import { type Survey, takeSurvey } from "../survey/survey.ts";
import { refuseWords } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { mappingTexts, needRoot } from "./text.ts";

export const metrics = defineCommand({
  name: "metrics",
  subject: "look",
  words: "",
  summary: "prints figures for Prometheus (textfile collector)",
  page: `Prints figures of this node in the text form of Prometheus: attachments by
network and state, addresses used and free, host ports, what is stray, and how
much the doctor finds wrong. Needs root; changes nothing.
`,
  options: {
    "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
    "bin-dir": { value: "DIR", meaning: "where plugins are  (/opt/cni/bin)" },
  },
  examples: [["metrics > pontoon.prom.new", "then rename it into the collector's folder"]],
  run({ options, words }) {
    refuseWords(words);
    needRoot("look at all of the node's network", "metrics");
    using node = Node.open();
    const survey = takeSurvey(node, { withProcesses: false });
    const folders = {
      configurations: options["conf-dir"] ?? CONFIGURATIONS,
      executables: options["bin-dir"] ?? EXECUTABLES,
    };
    const { families: pools, notes } = poolMetrics(folders.configurations);
    const families: Family[] = [
      BUILD,
      attachments(survey),
      hostPorts(survey),
      ...pools,
      strays(survey),
      ...findings(diagnoseAll({ node, survey }, folders)),
    ];
    return { text: families.map(textOf).join(""), notes };
  },
});

/** A metric with its samples; all are gauges. */
interface Family {
  name: string;
  help: string;
  samples: { labels: Record<string, string>; value: number | bigint }[];
}

const BUILD: Family = {
  name: "pontoon_build_info",
  help: "The version of Pontoon; always 1.",
  get samples() {
    return [{ labels: { version: programVersion() }, value: 1 }];
  },
};

function attachments({ attachments: all }: Survey): Family {
  const counts = new Map<string, number>();
  for (const { attachment, state } of all) {
    const { network } = attachment.key;
    // A series that comes and goes with its state is hard to watch, so each state of a network is told.
    for (const each of ["ok", "drift", "starting", "dead"]) {
      const place = `${network}\0${each}`;
      counts.set(place, (counts.get(place) ?? 0) + (each === state ? 1 : 0));
    }
  }
  return {
    name: "pontoon_attachments",
    help: "Attachments by network and state (ok, drift, starting, dead).",
    samples: [...counts].map(([place, value]) => {
      const [network = "", state = ""] = place.split("\0");
      return { labels: { network, state }, value };
    }),
  };
}

function hostPorts({ attachments: all }: Survey): Family {
  const counts = new Map<string, number>();
  for (const { attachment } of all) {
    const { network } = attachment.key;
    counts.set(network, (counts.get(network) ?? 0) + mappingTexts(attachment).length);
  }
  return {
    name: "pontoon_host_ports",
    help: "Mappings of host ports by network.",
    samples: [...counts].map(([network, value]) => ({ labels: { network }, value })),
  };
}

/**
 * The pools of the configured networks, each once, though several files may describe it: a collector refuses
 * a text in which a sample comes twice. A network whose leases cannot be counted has a note in their place.
 */
function poolMetrics(folder: string): { families: Family[]; notes: string[] } {
  const netconfs = readConfigurations(folder).flatMap((file) => file.netconfs);
  const counted = netconfs.map((netconf) => ({ network: netconf.name, ...poolsOf(netconf) }));
  const byLabels = new Map(
    counted.flatMap(({ network, pools }) =>
      pools.map(({ words, size, taken }) => [
        `${network}\0${words}`,
        { labels: { network, range: words }, size, taken },
      ]),
    ),
  );
  const pools = [...byLabels.values()];
  const families = [
    {
      name: "pontoon_addresses",
      help: "Addresses that can be handed out, by network and range.",
      samples: pools.map(({ labels, size }) => ({ labels, value: size })),
    },
    {
      name: "pontoon_addresses_used",
      help: "Addresses that are leased, by network and range.",
      samples: pools.map(({ labels, taken }) => ({ labels, value: taken })),
    },
  ];
  const errors = counted.flatMap(({ error }) => error ?? []);
  return { families, notes: sentencesOf(errors) };
}

function strays({ pairs, leases, unreadable }: Survey): Family {
  const interfaces = pairs.filter(({ key }) => key !== undefined).length;
  return {
    name: "pontoon_strays",
    help: "Leases and interfaces without a record, and records that cannot be read.",
    samples: [
      { labels: { kind: "lease" }, value: leases.length },
      { labels: { kind: "interface" }, value: interfaces },
      { labels: { kind: "record" }, value: unreadable.length },
    ],
  };
}

/**
 * What the doctor finds, by severity, and by code where there is something of it: a series for each code and
 * severity that may come would be hundreds. An examination that could not look is `blind`.
 */
function findings({ findings: all, blind }: Diagnosis): Family[] {
  const countOf = (wanted: Severity): number => all.filter(({ severity }) => severity === wanted).length;
  const severities: readonly Severity[] = ["error", "warning", "note"];
  const byCode = groupBy(all, ({ code, severity, isRepairable }) => `${code} ${severity} ${isRepairable}`);
  return [
    {
      name: "pontoon_findings",
      help: "What pontoon doctor finds, by severity.",
      samples: [
        ...severities.map((severity) => ({ labels: { severity }, value: countOf(severity) })),
        { labels: { severity: "blind" }, value: blind.length },
      ],
    },
    {
      name: "pontoon_findings_by_code",
      help: "What pontoon doctor finds, by code, severity, and whether --repair mends it.",
      samples: [...byCode.values()].map((group) => {
        const { code, severity, isRepairable } = group[0]!;
        const labels = { code: labelOf(code), severity, repairable: String(isRepairable === true) };
        return { labels, value: group.length };
      }),
    },
  ];
}

/** The exposition format of Prometheus, version 0.0.4. */
function textOf({ name, help, samples }: Family): string {
  if (samples.length === 0) return "";
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}{${pairs.join(",")}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
