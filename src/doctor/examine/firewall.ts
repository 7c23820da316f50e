// Firewalls of others that drop what the node forwards for pods.
import { prefixesOf } from "../../attachment/attachment.ts";
import { allowCommand } from "../../host/forward/allow.ts";
import { type Dropping, droppingHooks, type PodTraffic, type Way } from "../../host/forward/drop.ts";
import { type ForwardHook, listForwardHooks } from "../../host/forward/hook.ts";
import { formatPrefix, networkOf } from "../../ip/prefix.ts";
import { type Context, type Group, groupsOf, hasFamily } from "../context.ts";
import type { Finding } from "../finding.ts";

/** Chains that drop packets of pods: findings where that is certain, notes where a rule may do it. */
export function examineFirewalls(context: Context): Finding[] {
  const groups = groupsOf(context);
  if (groups.length === 0) return [];
  const hooks = listForwardHooks(context.node);
  return groups.flatMap((group) =>
    ([4, 6] as const).flatMap((family) => {
      const traffic = trafficOf(group, family);
      return traffic === undefined ? [] : findingsOf(traffic, { group, hooks, context });
    }),
  );
}

/** The traffic of pods that reach others by the node; undefined where there are none. */
function trafficOf({ entry, members }: Group, family: 4 | 6): PodTraffic | undefined {
  const far = members.filter((one) => one.attachment.gateway !== undefined && hasFamily(one, family));
  const [first] = far;
  const pod = first?.attachment.addresses.find(({ address }) => address.address.family === family);
  if (pod === undefined) return undefined;
  return {
    family,
    entry,
    pod: pod.address.address,
    hasHostPorts: far.some(({ attachment }) => attachment.hostPorts !== undefined),
  };
}

function findingsOf(
  traffic: PodTraffic,
  { group, hooks, context }: { group: Group; hooks: readonly ForwardHook[]; context: Context },
): Finding[] {
  return droppingHooks(traffic, context.node, hooks).map((dropping) => findingOf(dropping, traffic, group));
}

const WHAT: { readonly [Each in Way]: string } = {
  out: "what pods send beyond the node",
  answer: "the answers to pods from beyond the node",
  hostPort: "connections to host ports of pods",
};

function findingOf({ hook, way, end, isCertain }: Dropping, traffic: PodTraffic, group: Group): Finding {
  const { network, members, bridge } = group;
  const about = { subject: `network ${network}`, networks: [network] };
  const { rule, chain } = end;
  const place = chain === hook.base ? hook.title : `${hook.title} (its chain ${chain})`;
  const policy = members.some(({ attachment }) => attachment.ingressPolicy === undefined);
  if (!isCertain)
    return {
      ...about,
      severity: "note",
      sentence: `${place} may drop ${WHAT[way]}: ${rule?.text ?? ""}`,
    };
  const subnets = members.flatMap(({ attachment }) =>
    prefixesOf(attachment)
      .filter(({ address }) => address.family === traffic.family)
      .map((prefix) => formatPrefix(networkOf(prefix))),
  );
  return {
    ...about,
    severity: "error",
    sentence: `${place} drops ${WHAT[way]}`,
    proof: rule === undefined ? "its policy is drop, and no rule accepts them" : `its rule is: ${rule.text}`,
    cure: allowCommand(hook, {
      entry: bridge === undefined ? undefined : group.entry,
      subnet: subnets[0] ?? "",
      traffic,
    }),
    advice: policy
      ? `For pods made from now on, set "ingressPolicy": "open" in the configuration of network ${network}`
      : undefined,
  };
}
