// The host's policy rules, nftables ruleset and network settings as lines of text.
import type { Place } from "./place.ts";

type NftObject = Record<
  string,
  { family: string; table?: string; name?: string; chain?: string; elem?: unknown[]; policy?: string }
>;

export async function ruleLines(host: Place): Promise<string[]> {
  const rules = `${await host.must("ip -4 rule show")}${await host.must("ip -6 rule show")}`;
  return rules
    .trim()
    .split("\n")
    .map((rule) => `rule ${rule.replaceAll(/\s+/g, " ").trim()}`);
}

export async function nftLines(host: Place): Promise<string[]> {
  const { nftables } = await host.json<{ nftables: NftObject[] }>("nft -j list ruleset");
  const lines = nftables.flatMap((object) =>
    Object.entries(object).flatMap(([kind, about]) => nftObjectLines(kind, about)),
  );
  // Rules have no names: equal ones are told apart by their number.
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const count = (seen.get(line) ?? 0) + 1;
    seen.set(line, count);
    return line.startsWith("nft rule") ? `${line} #${count}` : line;
  });
}

function nftObjectLines(kind: string, { family, table, name, chain, elem }: NftObject[string]): string[] {
  if (kind === "metainfo") return [];
  const line = `nft ${kind} ${[family, table, chain, name].filter(Boolean).join(" ")}`;
  const elements = kind === "map" || (kind === "set" && name !== undefined) ? (elem ?? []) : [];
  return [
    line,
    ...elements.map((element) => `nft element ${family} ${table} ${name} ${JSON.stringify(element)}`),
  ];
}

/** For `all` and `default` every setting; for an interface those that are not as `default` says. */
export async function sysctlLines(host: Place): Promise<string[]> {
  const folders = "net/ipv4/conf net/ipv6/conf net/ipv4/ip_forward net/bridge";
  const text = await host.must(["sh", "-c", `cd /proc/sys && grep -rs "" ${folders} || true`]);
  const settings = new Map(
    text
      .trim()
      .split("\n")
      .map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1)] as const;
      }),
  );
  return [...settings]
    .filter(([path, value]) => isSet(path, value, settings))
    .map(([path, value]) => `sysctl ${path}=${value}`);
}

function isSet(path: string, value: string, settings: Map<string, string>): boolean {
  const [, family, conf, link, name] = path.split("/");
  if (conf !== "conf" || link === "all" || link === "default") return true;
  if (name === "mtu") return false;
  return settings.get(`net/${family}/conf/default/${name}`) !== value;
}
