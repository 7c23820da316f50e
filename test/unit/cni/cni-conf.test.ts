import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";

const FOLDER = fileURLToPath(new URL("../../../cni-conf/", import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".conflist"));

interface Conflist {
  cniVersion: string;
  cniVersions: string[];
  name: string;
  plugins: object[];
}

describe.each(files)("%s", (name) => {
  const list = JSON.parse(readFileSync(FOLDER + name, "utf8")) as Conflist;

  test("runtimes with an older CNI library read it, newer ones pick 1.1.0", () => {
    expect(list.cniVersion).toBe("1.0.0");
    expect(list.cniVersions).toEqual(["1.0.0", "1.1.0"]);
  });

  test("its plugin entry is a valid configuration in both versions", () => {
    for (const cniVersion of list.cniVersions) {
      const netconf = parseNetconf(
        JSON.stringify({ ...list.plugins[0], name: list.name, cniVersion }),
        "ADD",
      );
      expect(netconf.ipam?.rangeSets.length).toBeGreaterThan(0);
      expect(netconf.ipMasq).toBe(!/no-masquerade|wire|device/.test(name));
    }
  });

  test("the README says what it is for", () => {
    expect(readFileSync(`${FOLDER}README.md`, "utf8")).toContain(`| \`${name}\` |`);
  });
});
