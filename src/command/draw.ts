// `pontoon draw`: the node's network as a picture, for a terminal or as SVG.

import { quote } from "../cni/problems.ts";
import { Node } from "../host/node.ts";
import { partOf } from "../picture/part.ts";
import { svgOf } from "../picture/svg/svg.ts";
import { isUnicode } from "../picture/text/sign.ts";
import { textOf } from "../picture/text/text.ts";
import { lookAround } from "../survey/surroundings.ts";
import { takeSurvey } from "../survey/survey.ts";
import { variables } from "../sys/environment.ts";
import { shown } from "../terminal/terminal.ts";
import { type Answer, defineCommand } from "./command.ts";
import { findProblems } from "./draw/problem.ts";
import { sceneOf } from "./draw/scene.ts";
import { Misuse } from "./misuse.ts";
import { needRoot } from "./text.ts";

const OPTIONS = {
  svg: { meaning: "an SVG image on stdout, for a browser or a ticket" },
  all: { letter: "a", meaning: "every pod, also where there are many" },
  ascii: { meaning: "plain ASCII in the place of box drawing characters" },
} as const;

export const draw = defineCommand({
  name: "draw",
  subject: "look",
  words: "[WORD]",
  summary: "draws the node's network: pods, bridges, ways, ports",
  page: `Draws the network of this node: the way out, what is masqueraded, host ports,
bridges and what else connects pods, and each pod with its interface, its
addresses and its interface on the node. What is wrong is in red, with a
sentence. A word draws only what it names: a pod, container, network, bridge,
interface, address or host port. Needs root; changes nothing.
`,
  options: OPTIONS,
  examples: [
    ["draw", "the whole node"],
    ["draw cni0", "a bridge with its pods"],
    ["draw default/web-0", "one pod, with what it hangs on"],
    ["draw --svg > node.svg", "an image"],
  ],
  more: `Of a network with more than 24 pods those with problems or host ports are drawn
first, and a few others; the rest is counted. --all draws every one. Box drawing
characters need a locale with UTF-8 (LC_ALL, LC_CTYPE or LANG); without one the
picture is plain ASCII. Beside more than 50 pods none is looked at from inside,
as "pontoon doctor" does. For programs there is "pontoon ls --json".
`,
  statuses: `0, or 1 when nothing has that name, or something could not be read,
or 2 when the command line is wrong.
`,
  run({ options, words }, { terminal }): Answer {
    const [word, ...more] = words;
    if (more.length > 0) throw new Misuse("name one pod, network, bridge, interface or address");
    needRoot("look at all of the node's network", "draw");
    using node = Node.open();
    const survey = takeSurvey(node, { withProcesses: false });
    const whole = sceneOf({ survey, surroundings: lookAround(node), problems: findProblems(node, survey) });
    const scene = word === undefined ? whole : partOf(whole, word);
    if (scene === undefined)
      return {
        text: `Nothing on this node has the name, address or port ${quote(shown(word ?? ""))}.\n`,
        status: 1,
      };
    const isWhole = options.all === true;
    if (options.svg) return { text: svgOf(scene, { isWhole }) };
    const isAscii = options.ascii === true || !isUnicode(variables("LC_ALL", "LC_CTYPE", "LANG"));
    return { text: textOf(scene, { terminal, isAscii, isWhole }) };
  },
});
