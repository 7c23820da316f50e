// `pontoon status`: the node on one screen, with a verdict.

import { readState } from "../cluster/state.ts";
import { programVersion } from "../cni/about.ts";
import { diagnoseAll } from "../doctor/doctor.ts";
import { Node } from "../host/node.ts";
import { CONFIGURATIONS, EXECUTABLES } from "../survey/folder.ts";
import { readConfigurations } from "../survey/network.ts";
import { lookAround } from "../survey/surroundings.ts";
import { takeSurvey } from "../survey/survey.ts";
import { styled, type Terminal } from "../terminal/terminal.ts";
import { wrapped } from "../terminal/wrap.ts";
import { JSON_OPTION, refuseWords } from "./arguments.ts";
import { type Answer, defineCommand } from "./command.ts";
import {
  clusterLines,
  configurationLine,
  executableLine,
  judged,
  type Line,
  networkLines,
  podLine,
  surroundingLines,
  verdictLine,
} from "./status/line.ts";
import { needRoot } from "./text.ts";

export const status = defineCommand({
  name: "status",
  subject: "look",
  words: "",
  summary: "shows the node on one screen, with a verdict",
  page: `Shows the node on one screen: the executable, the configuration that a runtime
takes, networks with their addresses and ports, the ways out, forwarding,
firewalls, pods, and a verdict. "pontoon doctor" says more of what is wrong.
Needs root; changes nothing.
`,
  options: {
    "conf-dir": { value: "DIR", meaning: "where network configurations are  (/etc/cni/net.d)" },
    "bin-dir": { value: "DIR", meaning: "where plugins are  (/opt/cni/bin)" },
    ...JSON_OPTION,
  },
  examples: [["status", "is all well on this node?"]],
  statuses: `0 when all is well, 1 when something is wrong, 2 when it could
not look or the command line is wrong.
`,
  failureStatus: 2,
  run({ options, words }, { terminal }): Answer {
    refuseWords(words);
    needRoot("look at all of the node's network", "status");
    const folders = {
      configurations: options["conf-dir"] ?? CONFIGURATIONS,
      executables: options["bin-dir"] ?? EXECUTABLES,
    };
    using node = Node.open();
    const survey = takeSurvey(node, { withProcesses: false });
    const diagnosis = diagnoseAll({ node, survey }, folders);
    const { findings, blind } = diagnosis;
    const files = readConfigurations(folders.configurations);
    const seen = [
      executableLine(folders.executables),
      configurationLine(files, folders.configurations),
      ...networkLines(files, survey),
      ...clusterLines(readState(node, folders.configurations)),
      ...surroundingLines(lookAround(node), survey),
      podLine(survey),
    ];
    const lines = [...judged(seen, diagnosis), verdictLine(diagnosis)];
    const isWrong = findings.some(({ severity }) => severity !== "note");
    return {
      text: textOf(lines, terminal),
      json: { version: programVersion(), lines },
      status: blind.length > 0 ? 2 : isWrong ? 1 : 0,
    };
  },
});

/** The lines, each behind its subject, wrapped where the terminal ends. */
function textOf(lines: readonly Line[], terminal: Terminal): string {
  const width = Math.max(...lines.map(({ subject }) => subject.length));
  const margin = `\n${" ".repeat(width + 4)}`;
  const said = lines.map(({ subject, text, isWell, isNote }) => {
    const [mark, style] = isNote
      ? (["·", "faint"] as const)
      : isWell
        ? (["✓", "green"] as const)
        : (["✗", "red"] as const);
    const sign = styled(mark, style, terminal);
    const body = wrapped(text, terminal.columns - width - 4).join(margin);
    return `${sign} ${styled(subject.padEnd(width), "bold", terminal)}  ${body}\n`;
  });
  return `pontoon ${programVersion()}\n${said.join("")}`;
}
