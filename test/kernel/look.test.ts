// Looking changes nothing: not what an ADD and a STATUS look at before they decide, and not what CHECK and
// restore compare. The kernel is read before and after each look, in the host and in the pod.

import { globSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostEndOf } from "../../src/attachment/link.ts";
import { CniError } from "../../src/cni/error.ts";
import { kindOf } from "../../src/host/kinds.ts";
import { STEP_NAMES } from "../../src/plan/order.ts";
import { SystemError } from "../../src/sys/errno.ts";
import { attachmentWithEverything } from "../support/everything.ts";
import type { Netns } from "../support/netns.ts";
import { BackgroundProcess } from "../support/process.ts";
import { REPOSITORY, SYSTEM_PATH } from "../support/tool.ts";
import { kindLooks, type Look, sourceLooks } from "./look-list.ts";
import { everyLook, LookStage } from "./look-stage.ts";
import { differenceOf } from "./witness.ts";

const LISTENED_PORT = 7070;
const EVERY_STEP = everyLook(attachmentWithEverything());

/** Does a look. That it is refused is as good as what it gives; anything else is a fault of the test. */
function tryTo(look: () => unknown): void {
  try {
    look();
  } catch (error) {
    if (!(error instanceof CniError) && !(error instanceof SystemError)) throw error;
  }
}

/** Every look, one after the other: what changed in the kernel, as `name: line`. */
function changesBy(looks: readonly Look[], stage: LookStage): string[] {
  let before = stage.lines;
  return looks.flatMap(({ name, look }) => {
    stage.on((place) => tryTo(() => look(place)));
    const after = stage.lines;
    const changes = differenceOf(before, after).map((line) => `${name}: ${line}`);
    before = after;
    return changes;
  });
}

function listen(host: Netns): BackgroundProcess {
  const server = join(REPOSITORY, "test/support/echo-server.ts");
  return new BackgroundProcess(host.command([process.execPath, server, "tcp", "::", String(LISTENED_PORT)]), {
    env: { PATH: SYSTEM_PATH },
    timeoutMs: 60_000,
  });
}

test("every function of src/look is among the looks", async () => {
  const files = globSync("src/look/*.ts", { cwd: REPOSITORY });
  const modules = (await Promise.all(files.map((file) => import(join(REPOSITORY, file))))) as object[];
  const functions = modules.flatMap((module) =>
    Object.values(module).flatMap((each: unknown) => (typeof each === "function" ? each.name : [])),
  );
  expect(new Set(sourceLooks(LISTENED_PORT).map(({ of }) => of?.name))).toEqual(new Set(functions));
});

test("every kind of step is among the looks", () => {
  expect(new Set(EVERY_STEP.map(({ kind }) => kind))).toEqual(new Set(STEP_NAMES));
});

test.each([
  ["a host with a whole attachment", true],
  ["a host without anything of Pontoon's", false],
])("looking changes nothing: %s", async (_, isAttached) => {
  using stage = await LookStage.open(isAttached);
  await using server = listen(stage.host);
  await server.says("listening");
  expect(changesBy([...sourceLooks(LISTENED_PORT), ...kindLooks(EVERY_STEP)], stage)).toEqual([]);
});

test("everything that this kernel can make is whole, so what is looked at is there", async () => {
  using stage = await LookStage.open(true);
  const steps = everyLook(stage.possible);
  const found = stage.on((place) => steps.map((step) => `${step.kind}: ${kindOf(step).verify(step, place)}`));
  expect(found).toEqual(steps.map(({ kind }) => `${kind}: undefined`));
  expect(steps.length).toBe(STEP_NAMES.length - (stage.canFilterVlans ? 0 : 2));
});

test.each([
  ["without a list", undefined, "seen"],
  ["with a list that has the sysctl", "^net.core", "seen"],
  ["with a list that does not have the sysctl", "^net.ipv4", "Sysctl net.core.somaxconn is not allowed"],
  ["with a list that is none", "(", "is no regular expression"],
])("looking at what an administrator allows changes nothing: %s", async (_, list, said) => {
  using stage = await LookStage.open(false);
  const before = stage.lines;
  const put =
    list === undefined ? "" : `mkdir -p cni/tuning && echo '${list}' > cni/tuning/allowlist.conf && `;
  const program = `${process.execPath} ${join(import.meta.dirname, "look-member.ts")} net.core.somaxconn`;
  const script = `mount -t tmpfs none /etc && cd /etc && ${put}exec ${program}`;
  expect(stage.host.run("unshare --mount --propagation private sh", script)).toContain(said);
  expect(differenceOf(before, stage.lines)).toEqual([]);
});

/** Changes of the stage with a pod, each of which the witness has to see. */
const CHANGES = [
  ["host", "ip link set up0 down"],
  ["host", "ip link set half0 alias mine"],
  ["host", "ip link set PORT type bridge_slave hairpin off"],
  ["pod", "ip link set eth0 address 0a:00:00:00:00:99"],
  ["pod", "ip address add 10.1.0.9/24 dev eth0"],
  ["pod", "ip route add 10.8.0.0/16 dev eth0"],
  ["pod", "ip rule add from 10.1.0.9 table 7"],
  ["host", "tc filter del dev PORT ingress"],
  ["host", "tc qdisc del dev PORT root"],
  ["host", "nft add table inet other"],
  ["host", "nft flush set bridge pontoon guarded"],
  ["host", "iptables-legacy -t nat -S"],
  ["host", "sysctl -qw net.ipv4.conf.br0.rp_filter=2"],
  ["pod", "sysctl -qw net.core.somaxconn=99"],
] as const;

test("the witness can tell: each change of links, addresses, routes, rules, limits and settings is seen", async () => {
  using stage = await LookStage.open(true);
  let before = stage.lines;
  for (const [place, command] of CHANGES) {
    stage[place].run(command.replace("PORT", hostEndOf(stage.possible.link)?.name ?? ""));
    const after = stage.lines;
    expect(`${command}: ${differenceOf(before, after).length > 0}`).toBe(`${command}: true`);
    before = after;
  }
});
