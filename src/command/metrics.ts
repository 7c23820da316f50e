// `pontoon metrics`: figures of the node in the text form of Prometheus, for node-exporter's textfile
// collector.
import { programVersion } from "../cni/about.ts";
import { Node } from "../host/node.ts";
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
network and state, addresses used and free, host ports, and what is stray. Needs
root; changes nothing.
`,
  options: {
    "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
  },
  examples: [["metrics > pontoon.prom.new", "then rename it into the collector's folder"]],
  run({ options, words }) {
    refuseWords(words);
    needRoot("look at all of the node's network", "metrics");
    using node = Node.open();
    const survey = takeSurvey(node, { withProcesses: false });
    const pools = poolMetrics(options["conf-dir"] ?? "/etc/cni/net.d");
    const families: Family[] = [BUILD, attachments(survey), hostPorts(survey), ...pools, strays(survey)];
    return { text: families.map(textOf).join("") };
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
    const place = `${attachment.key.network}\0${state}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
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

/** The pools of the configured networks; a configuration that cannot be read has none. */
function poolMetrics(folder: string): Family[] {
  const pools = readConfigurations(folder)
    .flatMap(({ netconfs }) => netconfs)
    .flatMap((netconf) =>
      poolsOf(netconf).map(({ words, size, taken }) => ({
        labels: { network: netconf.name, range: words },
        size,
        taken,
      })),
    );
  return [
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
