// The configuration as an IPAM plugin gets it at a DEL. A plugin refuses a version that it does not know, so
// its addresses would never come back once somebody has edited the version.
import { parseJson } from "./json.ts";
import { isFields } from "./keys.ts";
import { similarVersion, versionOrNewest } from "./version.ts";

/**
 * The configuration as it was sent; where its cniVersion is none, with the version that was meant, or with
 * 1.0.0, which every plugin of today knows. Throws nothing for a text that was read before.
 */
export function textForPlugins(text: string): string {
  const sent = parseJson(text);
  if (!isFields(sent)) return text;
  const isVersion = ([key]: [string, unknown]): boolean => key.toLowerCase() === "cniversion";
  const [, version] = Object.entries(sent).findLast(isVersion) ?? [];
  if ((version ?? "") === "" || versionOrNewest(version) === version) return text;
  const others = Object.entries(sent).filter((entry) => !isVersion(entry));
  return JSON.stringify({ ...Object.fromEntries(others), cniVersion: similarVersion(version) ?? "1.0.0" });
}
