// The host's policy rules, nftables ruleset and network settings.
import type { Place } from "./place.ts";
import type { Thing } from "./thing.ts";

type NftObject = Record<
  string,
  { family: string; table?: string; name?: string; chain?: string; elem?: unknown[]; policy?: string }
>;

export async function ruleThings(host: Place): Promise<Thing[]> {
  const rules = `${await host.must("ip -4 rule show")}${await host.must("ip -6 rule show")}`;
  return rules
    .trim()
    .split("\n")
    .map((rule) => rule.replaceAll(/\s+/g, " ").trim())
    .map((name) => ({ kind: "rule", line: `rule ${name}`, name }));
}

export async function nftThings(host: Place): Promise<Thing[]> {
  const { nftables } = await host.json<{ nftables: NftObject[] }>("nft -j list ruleset");
  const things = nftables.flatMap((object) =>
    Object.entries(object).flatMap(([kind, about]) => nftObjectThings(kind, about)),
  );
  // Rules have no names: equal ones are told apart by their number.
  const seen = new Map<string, number>();
  return things.map((thing) => {
    const count = (seen.get(thing.line) ?? 0) + 1;
    seen.set(thing.line, count);
    return thing.kind === "nft rule" ? { ...thing, line: `${thing.line} #${count}` } : thing;
  });
}

/** A table is named in `name`, what is in it in `table`. Of a rule the name is that of its chain. */
function nftObjectThings(type: string, { family, table, name, chain, elem }: NftObject[string]): Thing[] {
  if (type === "metainfo") return [];
  const kind = `nft ${type}`;
  const inTable = `${family} ${type === "table" ? name : table}`;
  const thing = {
    kind,
    line: `${kind} ${[family, table, chain, name].filter(Boolean).join(" ")}`,
    name: name ?? chain ?? "",
    table: inTable,
  };
  const elements = type === "map" || (type === "set" && name !== undefined) ? (elem ?? []) : [];
  return [
    thing,
    ...elements.map((element) => ({
      kind: "nft element",
      line: `nft element ${inTable} ${name} ${JSON.stringify(element)}`,
      name: name ?? "",
      table: inTable,
    })),
  ];
}

/** For `all` and `default` every setting; for an interface those that are not as `default` says. */
export async function sysctlThings(host: Place): Promise<Thing[]> {
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
    .map(([path, value]) => {
      const [, , conf, link] = path.split("/");
      const onLink = conf === "conf" && link !== undefined && { link };
      return { kind: "sysctl", line: `sysctl ${path}=${value}`, name: path, ...onLink };
    });
}

function isSet(path: string, value: string, settings: Map<string, string>): boolean {
  const [, family, conf, link, name] = path.split("/");
  if (conf !== "conf" || link === "all" || link === "default") return true;
  if (name === "mtu") return false;
  return settings.get(`net/${family}/conf/default/${name}`) !== value;
}
