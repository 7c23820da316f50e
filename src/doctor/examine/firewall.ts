// Firewalls of others that drop what the node forwards for pods, or what pods of one bridge send each other.
import { prefixesOf } from "../../attachment/attachment.ts";
import { allowAdvice, allowCommand, allowFramesCommand } from "../../host/forward/allow.ts";
import { listNodeHooks } from "../../host/forward/passage.ts";
import type { Family } from "../../ip/address.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { type Context, type Group, groupsOf, hasFamily } from "../context.ts";
import type { Finding } from "../finding.ts";
import { groupBy } from "../group.ts";
import { type Loss, lossesOf, trafficOf } from "./lost-packet.ts";

/** Chains that drop packets of pods: findings where that is certain, notes where a rule may do it. */
export function examineFirewalls(context: Context): Finding[] {
  const groups = groupsOf(context);
  if (groups.length === 0) return [];
  const all = listNodeHooks(context.node);
  // Chains of type nat have rules for each service of a cluster, and rarely one that drops.
  const hooks = { ...all, firewall: all.firewall.filter(({ type }) => type !== "nat") };
  return groups.flatMap((group) =>
    bothFamilies(
      ([4, 6] as const).flatMap((family) =>
        byHook(lossesOf(group, { family, hooks, context })).map((losses) => findingOf(losses, group, family)),
      ),
    ),
  );
}

/** Findings of a group that say the same of both families as one, with the commands for both. */
function bothFamilies(findings: readonly Finding[]): Finding[] {
  const one = new Map<string, Finding>();
  for (const finding of findings) {
    // A command for the one family is no help for the other where that has an advice.
    const isCure = finding.cure !== undefined;
    const id = `${finding.sentence}\0${finding.proof?.replace("ip6tables", "iptables")}\0${isCure}`;
    const first = one.get(id);
    if (first === undefined) one.set(id, finding);
    else if (first.cure !== finding.cure) first.cure = `${first.cure} && ${finding.cure}`;
  }
  return [...one.values()];
}

/** The certain losses of each hook, or where it has none, its first possible one. */
function byHook(losses: readonly Loss[]): Loss[][] {
  return [...groupBy(losses, ({ hook }) => hook.place).values()].map((all) => {
    const certain = all.filter(({ isCertain }) => isCertain);
    return certain.length > 0 ? certain : all.slice(0, 1);
  });
}

const WHAT: { readonly [Each in Loss["way"]]: string } = {
  out: "what pods send beyond the node",
  answer: "the answers to pods from beyond the node",
  hostPort: "connections to host ports of pods",
  each: "what pods send each other",
};

function findingOf(losses: readonly Loss[], group: Group, family: Family): Finding {
  const { network, members } = group;
  const [first] = losses;
  const { hook, way, end, isCertain } = first!;
  const all = losses.some(({ who }) => who === undefined);
  const about = {
    subject: `network ${network}`,
    ...(all
      ? { networks: [network] }
      : { attachments: [...new Set(losses.flatMap(({ who }) => who ?? []))] }),
  };
  const { rule, chain } = end;
  const place = chain === hook.base ? hook.title : `${hook.title} (its chain ${chain})`;
  if (!isCertain)
    return {
      ...about,
      code: "firewallMayDrop",
      severity: "note",
      sentence:
        rule?.verdict.kind === "queue"
          ? `${place} ${end.isCertain ? "hands" : "may hand"} ${WHAT[way]} to another program, which may drop packets: ${rule.text}`
          : `${place} may drop ${WHAT[way]}: ${rule?.text ?? ""}`,
    };
  const isBoth = way !== "each" && losses.some((loss) => loss.way === "each");
  const isFiltered = losses.some((loss) => loss.way === "each") && !("at" in hook);
  const because =
    rule === undefined ? "its policy is drop, and no rule accepts them" : `its rule is: ${rule.text}`;
  const program = family === 4 ? "iptables" : "ip6tables";
  const policy = members.some(({ attachment }) => attachment.ingressPolicy === undefined);
  return {
    ...about,
    code: "firewallDrops",
    severity: "error",
    sentence: `${place} drops ${WHAT[way]}${isBoth ? ", and what they send each other" : ""}`,
    proof: isFiltered ? `${because}; bridge-nf-call-${program} is on` : because,
    ...mending(losses, group, family),
    ...(policy && !("at" in hook) && hook.stage === "forward"
      ? {
          advice: `For pods made from now on, set "ingressPolicy": "open" in the configuration of network ${network}`,
        }
      : {}),
  };
}

/** The command that lets the packets pass, or the way to do it where no rule can tell them from others. */
function mending(losses: readonly Loss[], group: Group, family: Family): Pick<Finding, "cure" | "advice"> {
  const { members, bridge } = group;
  const [first] = losses;
  const { hook } = first!;
  const own = members.filter((one) => hasFamily(one, family));
  const subnet = own
    .flatMap(({ attachment }) => prefixesOf(attachment))
    .find(({ address }) => address.family === family);
  const text = subnet === undefined ? "" : formatPrefix(networkOf(subnet));
  if (losses.some(({ isTranslated }) => isTranslated)) return { advice: allowAdvice(hook, family) };
  if ("at" in hook) return { cure: allowFramesCommand(hook, text, family) };
  const traffic = trafficOf(own, group, family);
  const far = losses.filter(({ way }) => way !== "each");
  const entries = [
    ...(far.length > 0 ? [group.entry] : []),
    ...(losses.length > far.length ? [bridge ?? group.entry] : []),
  ];
  const commands = [...new Set(entries)].map((entry) =>
    allowCommand(hook, { entry: bridge === undefined ? undefined : entry, subnet: text, traffic }),
  );
  return { cure: [...new Set(commands)].join(" && ") };
}
