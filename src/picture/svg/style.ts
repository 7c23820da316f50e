// The style of the picture, for light and dark readers. Colours have a contrast of 4.5 at least where they
// are those of text (WCAG 2.1, 1.4.3).

/** The colours of one scheme. */
interface Colours {
  page: string;
  node: string;
  nodeLine: string;
  box: string;
  line: string;
  text: string;
  faint: string;
  bridge: string;
  bridgeLine: string;
  wrong: string;
  wrongBox: string;
  odd: string;
  oddBox: string;
  inward: string;
  outward: string;
  tile: string;
}

const LIGHT: Colours = {
  page: "#ffffff",
  node: "#f6f8fa",
  nodeLine: "#d0d7de",
  box: "#ffffff",
  line: "#8c959f",
  text: "#1f2328",
  faint: "#59636e",
  bridge: "#ddf4ff",
  bridgeLine: "#54aeff",
  wrong: "#cf222e",
  wrongBox: "#ffebe9",
  odd: "#9a6700",
  oddBox: "#fff8c5",
  inward: "#8250df",
  outward: "#1a7f37",
  tile: "#b6d4f0",
};

const DARK: Colours = {
  page: "#0d1117",
  node: "#151b23",
  nodeLine: "#3d444d",
  box: "#0d1117",
  line: "#656c76",
  text: "#f0f6fc",
  faint: "#9198a1",
  bridge: "#121d2f",
  bridgeLine: "#388bfd",
  wrong: "#ff7b72",
  wrongBox: "#2d1618",
  odd: "#d29922",
  oddBox: "#272115",
  inward: "#c297ff",
  outward: "#3fb950",
  tile: "#27496d",
};

/** The colours for light and for dark readers. */
export const SCHEMES = { light: LIGHT, dark: DARK };

/** The rules that are the same in both schemes. Sizes are those of measure.ts. */
const RULES = `
text{font:12px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.title{font-size:13px;font-weight:600}
.small{font-size:11px}
.code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;white-space:pre}
.cap{font-size:10.5px;font-weight:600;letter-spacing:.06em}
.line{fill:none;stroke-width:1.5}
.flow{fill:none;stroke-width:2}
.mark{fill:none;stroke-width:2;stroke-linecap:round}
.dash{stroke-dasharray:4 3}
`;

/** The content of the picture's style element. */
export function styleSheet(): string {
  return `${RULES.trim()}\n${rulesOf(LIGHT)}\n@media (prefers-color-scheme:dark){\n${rulesOf(DARK)}\n}`;
}

function rulesOf(c: Colours): string {
  return [
    `text{fill:${c.text}}.faint{fill:${c.faint}}.page{fill:${c.page}}`,
    `.node{fill:${c.node};stroke:${c.nodeLine}}.box{fill:${c.box};stroke:${c.line}}`,
    `.bridge{fill:${c.bridge};stroke:${c.bridgeLine}}.line{stroke:${c.line}}.end{fill:${c.line}}`,
    `.wrong{fill:${c.wrongBox};stroke:${c.wrong}}.red{fill:${c.wrong}}.line.red{fill:none;stroke:${c.wrong}}`,
    `.odd{fill:${c.oddBox};stroke:${c.odd}}.yellow{fill:${c.odd}}`,
    `.in{fill:${c.inward}}.out{fill:${c.outward}}`,
    `.flow.in{fill:none;stroke:${c.inward}}.flow.out{fill:none;stroke:${c.outward}}`,
    `.mark{stroke:${c.page}}.tile{fill:${c.tile}}.tile.red{fill:${c.wrong}}`,
  ].join("\n");
}
