// Small changes of src/picture, and of what src/command/draw makes pictures from.
import type { Mutation } from "./mutation.ts";

const DRAW = "test/plugin/draw.test.ts";
const FOLD = "test/unit/picture/fold.test.ts";
const SVG = "test/unit/picture/svg/svg.test.ts";
const TEXT = "test/unit/picture/text/text.test.ts";

export const PICTURE: readonly Mutation[] = [
  {
    name: "names in an SVG are markup",
    file: "src/picture/svg/element.ts",
    find: 'return text.replace(/[&<>"\']/g, (sign) => ENTITIES[sign] ?? "");',
    replace: "return text;",
    test: SVG,
    promise: "names with markup are text",
  },
  {
    name: "a sentence in an SVG loses its end",
    file: "src/picture/svg/measure.ts",
    find: "textWidth(line.trimEnd(), writing) > width ? fitted(line, writing, width) : line",
    replace: "fitted(line, writing, width)",
    test: SVG,
    promise: "every pod, address and sentence is text in it when all are asked for",
  },
  {
    name: "boxes of pods have no room for a branch beside them",
    file: "src/picture/svg/grid.ts",
    find: "export const BESIDE_TRUNK = 28;",
    replace: "export const BESIDE_TRUNK = 0;",
    test: SVG,
    promise: "boxes, texts and lines keep clear of each other",
  },
  {
    name: "a broken pod is drawn as any other",
    file: "src/picture/svg/pod.ts",
    find: 'if (isWrong(pod)) return "wrong";',
    replace: "",
    test: SVG,
    promise: "a broken pod is red with its sentence",
  },
  {
    name: "a broken pod may be among those that are counted",
    file: "src/picture/fold.ts",
    find: "shown: [...wrong, ...odd,",
    replace: "shown: [...odd,",
    test: FOLD,
    promise: "those with problems or host ports are shown first",
  },
  {
    name: "a row of text is wider than the terminal where a sentence is long",
    file: "src/picture/text/segment.ts",
    find: 'return wrapped(sentence, inner).map((line) => [span(line, "faint")]);',
    replace: 'return [[span(sentence, "faint")]];',
    test: TEXT,
    promise: "fits 60 columns",
  },
  {
    name: "an interface of the node that is no port, way or pair is not drawn",
    file: "src/command/draw/scene.ts",
    find: "interfaces: othersOf(findings, entries).map(of),",
    replace: "interfaces: othersOf(findings, entries).map(of).slice(1),",
    test: DRAW,
    promise: "every pod, interface and address that ip shows is in the picture",
  },
  {
    name: "the gateway addresses of pairs are not drawn",
    file: "src/command/draw/scene.ts",
    find: 'return kind === "ptp" ?',
    replace: 'return kind === "bridge" ?',
    test: DRAW,
    promise: "every pod, interface and address that ip shows is in the picture",
  },
];
