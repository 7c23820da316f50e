// The hop from port to port of one bridge.
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { endOf } from "./endpoint.ts";
import type { Hop } from "./hop.ts";

/** Frames between two ports of one bridge; isolated ones reach each other by no way. */
export function bridgeHop(from: SurveyedAttachment, to: SurveyedAttachment): Hop {
  const [a, b] = [from.attachment.link, to.attachment.link];
  const isCut = a.kind === "bridgePort" && b.kind === "bridgePort" && a.isolated && b.isolated;
  const bridge = a.kind === "bridgePort" ? a.bridge.name : "";
  const sentence = `${bridge} leads frames from ${endOf(from)} to ${endOf(to)}`;
  if (!isCut) return { sentence };
  return {
    sentence,
    fault: {
      code: "isolatedPorts",
      subject: `network ${from.attachment.key.network}`,
      severity: "error",
      sentence: `both ports are isolated on ${bridge}, so the pods do not reach each other`,
      proof: "portIsolation or the ingress policy of the network asks for it",
      advice:
        'Take portIsolation, or "ingressPolicy": "isolated", out of the configuration and make the pods anew',
      attachments: [from, to],
    },
  };
}
