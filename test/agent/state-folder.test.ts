// What an uninstall leaves of the state on the disk: nothing, unless pods are still there.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeState } from "../../agent/state-folder.ts";

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "pontoon-state-"));
  for (const file of [
    "networks/pods/lock",
    "networks/pods/last_reserved_ip.0",
    "pontoon/.lock",
    "pontoon/pods/boot-1",
  ])
    put(file);
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function put(file: string): void {
  mkdirSync(join(state, file, ".."), { recursive: true });
  writeFileSync(join(state, file), "");
}

test("without pods the folders of leases and records go, and a second time there is nothing to do", async () => {
  expect(await removeState("pods", state)).toEqual([
    `${state}/networks/pods: removed`,
    `${state}/pontoon/pods: removed`,
  ]);
  expect(existsSync(join(state, "pontoon"))).toBe(false);
  expect(await removeState("pods", state)).toEqual([]);
});

test("a lease, a record, and the folders of another network stay", async () => {
  put("networks/pods/10.244.1.5");
  put("pontoon/pods/some-container-eth0");
  put("networks/other/lock");
  put("pontoon/other/boot-1");
  expect(await removeState("pods", state)).toEqual([
    `${state}/networks/pods: kept, pods have 1 of its files`,
    `${state}/pontoon/pods: kept, pods have 1 of its files`,
  ]);
  for (const file of ["networks/pods/10.244.1.5", "pontoon/pods/some-container-eth0", "pontoon/other/boot-1"])
    expect(existsSync(join(state, file))).toBe(true);
  expect(existsSync(join(state, "networks/other/lock"))).toBe(true);
});
