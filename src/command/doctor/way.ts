// A way that was traced, and the packet of a probe, as text and as JSON.
import type { Trace } from "../../doctor/doctor.ts";
import type { MadeProbe } from "../../doctor/trace/probe.ts";
import { shown, styled, type Terminal } from "../../terminal/terminal.ts";
import { findingJson, lineOf, paragraph, signed } from "./report.ts";

const PASSED = { sign: "✓", style: "green" } as const;
const UNDECIDED = { sign: "?", style: "yellow" } as const;

/** A way as text: a line for each hop, and what mends the broken one. */
export function traceText({ from, to, hops }: Trace, terminal: Terminal): string {
  const head = `${styled(`${shown(from.title)} to ${shown(to.title)}${portOf(to)}`, "bold", terminal)}\n`;
  const lines = hops.map(({ sentence, fault, isUndecided }) =>
    fault === undefined
      ? signed(isUndecided === true ? UNDECIDED : PASSED, shown(sentence), terminal)
      : lineOf({ ...fault, severity: "error", attachments: [] }, terminal),
  );
  return `${head}${lines.join("")}`;
}

function portOf({ hostPort, port }: Trace["to"]): string {
  return hostPort !== undefined || port === undefined ? "" : `, port ${port}`;
}

/** A way for programs. */
export function traceJson({ from, to, hops }: Trace, probed: MadeProbe | undefined): unknown {
  return {
    from: from.title,
    to: `${to.title}${portOf(to)}`,
    reaches: hops.every(({ fault }) => fault === undefined),
    hops: hops.map(({ sentence, fault, isUndecided }) => ({
      passes: fault === undefined,
      ...(isUndecided === true ? { undecided: true } : {}),
      sentence: fault?.sentence ?? sentence,
      ...(fault === undefined ? {} : findingJson(fault)),
    })),
    probe: probed && {
      packet: probed.packet,
      answer: probed.answer,
      traces: probed.traces,
      rules: probed.events,
    },
  };
}

const ANSWERS: { readonly [Each in MadeProbe["answer"]]: string } = {
  answered: "it was answered",
  refused: "it was refused: the other end was reached, and nobody listens there",
  nothing: "nobody answered within a second",
};

/** The rules that the packet of a probe met, and its answer. */
export function probeText(
  { packet, answer, refusal, traces, events }: MadeProbe,
  terminal: Terminal,
): string {
  const lines = events.map(({ place, rule, verdict }) => {
    const text = rule === undefined ? "policy" : rule === "" ? "a rule without conditions" : rule;
    const isDrop = verdict === "drop";
    const sign = isDrop ? ({ sign: "✗", style: "red" } as const) : ({ sign: "·", style: "faint" } as const);
    return signed(
      sign,
      shown(`${place}: ${text.endsWith(verdict) ? text : `${text}: ${verdict}`}`),
      terminal,
    );
  });
  const isLost = answer === "nothing";
  const sign = isLost ? ({ sign: "✗", style: "red" } as const) : ({ sign: "✓", style: "green" } as const);
  const head = `${styled(shown(packet), "bold", terminal)}\n`;
  const end = refusal === undefined ? ANSWERS[answer] : "the pod does not send it";
  const more = traces.flatMap((each) => paragraph(`${shown(each)}.`, terminal)).join("");
  return `\n${head}${lines.join("")}${signed(sign, end, terminal)}${more}`;
}
