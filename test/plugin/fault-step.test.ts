// One system call of a call fails, any one: a full disk, a refusing kernel. The call either does without it,
// or says so with a code that means something and takes back what it did.
import { expect } from "vitest";
import { addDirectly, addressesOf, type CniError, mustSucceed, plugin } from "../support/cni.ts";
import { complaintAbout, freedTooEarly } from "../support/complaint.ts";
import { hostForAllSteps } from "../support/every-step.ts";
import { portConfig } from "../support/host-port.ts";
import { failAt } from "../support/hurt.ts";
import { install, network } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";

const ERRORS: Record<string, string> = {
  sendto: "ENOMEM",
  write: "ENOSPC",
  mkdirat: "ENOSPC",
  linkat: "EIO",
  renameat2: "EIO",
  unlinkat: "EIO",
  flock: "ENOLCK",
};
const INTERRUPTED = ["sendto", "recvfrom", "flock"];

for (const { way, networkOf } of WAYS) {
  scene(
    `${way}: an ADD in which one system call fails succeeds without it, or fails with a meaning and leaves nothing`,
    async (world) => {
      const { call, baseline } = await hostForAllSteps(world, networkOf);
      const wrong: Record<string, unknown> = {};
      await atEveryMoment(async (moment) => {
        const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, ERRORS[moment.kind]!);
        const complaint =
          outcome.status === 0
            ? undefined
            : (complaintAbout(outcome) ?? differences(baseline, await snapshot(world)));
        mustSucceed(await plugin(world, "DEL", call));
        const found = complaint ?? differences(baseline, await snapshot(world));
        if (found !== undefined) wrong[nameOf(moment)] = found;
        return wasHurt;
      });
      expect(wrong).toEqual({});
    },
    240_000,
  );

  scene(
    `${way}: a DEL in which one system call fails may say so, leases no address that a rule still names, and the next DEL completes it`,
    async (world) => {
      const { call: plain } = await hostForAllSteps(world, networkOf);
      const call = { ...plain, more: portConfig([{ hostPort: 8080, containerPort: 80 }]) };
      for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(world, verb, call));
      const baseline = await snapshot(world);
      const wrong: Record<string, unknown> = {};
      await atEveryMoment(async (moment) => {
        const addresses = addressesOf(await addDirectly(world, call));
        const { outcome, wasHurt } = await failAt(world, "DEL", call, moment, ERRORS[moment.kind]!);
        const freed = await freedTooEarly(world, addresses);
        mustSucceed(await plugin(world, "DEL", call));
        const complaint =
          freed ??
          (outcome.status === 0 ? undefined : complaintAbout(outcome)) ??
          differences(baseline, await snapshot(world));
        if (complaint !== undefined) wrong[nameOf(moment)] = complaint;
        return wasHurt;
      });
      expect(wrong).toEqual({});
    },
    240_000,
  );
}

for (const verb of ["ADD", "DEL"] as const) {
  scene(
    `a signal that interrupts any one system call of ${verb} does no harm: the call goes on`,
    async (world) => {
      const { call } = await hostForAllSteps(world);
      const wrong: Record<string, string> = {};
      await atEveryMoment(async (moment) => {
        if (verb === "DEL") mustSucceed(await plugin(world, "ADD", call));
        const {
          outcome: { status, stdout },
          wasHurt,
        } = await failAt(world, verb, call, moment, "EINTR");
        if (status !== 0) wrong[`${moment.kind} ${moment.count}`] = stdout;
        if (verb === "ADD") mustSucceed(await plugin(world, "DEL", call));
        return wasHurt;
      }, INTERRUPTED);
      expect(wrong).toEqual({});
    },
    240_000,
  );
}

scene(
  "a signal that interrupts the wait for events of the kernel does no harm: the ADD waits on",
  async (world) => {
    // With enabledad every ADD waits, for the end of the check for duplicate addresses.
    const call = {
      network: install(world, network("pods", { subnets: ["fd01::/64"], enabledad: true })),
      pod: await world.pod("red"),
    };
    await atEveryMoment(
      async (moment) => {
        const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, "EINTR");
        expect(outcome.status, `${moment.kind} ${moment.count}`).toBe(0);
        mustSucceed(await plugin(world, "DEL", call));
        return wasHurt;
      },
      ["ppoll"],
    );
  },
  240_000,
);

scene("an ADD that cannot see whether localhost is guarded says so, with code 130", async (world) => {
  const call = { network: install(world, network("pods", { ipMasq: false })), pod: await world.pod("red") };
  mustSucceed(await plugin(world, "ADD", call));
  mustSucceed(await plugin(world, "DEL", call));
  await world.host.must("ip link set pods0 up");
  const said = new Set<string>();
  await atEveryMoment(
    async (moment) => {
      await world.host.must("sysctl -qw net.ipv4.conf.pods0.route_localnet=2");
      const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, "ENOMEM");
      if (outcome.status !== 0) said.add((JSON.parse(outcome.stdout) as CniError).msg);
      mustSucceed(await plugin(world, "DEL", call));
      return wasHurt;
    },
    ["sendto"],
  );
  expect([...said]).toContain("packet rules cannot be set: route_localnet of pods0");
});

function differences(before: Snapshot, after: Snapshot): string[] | undefined {
  const { isEmpty, lines } = after.minus(before);
  return isEmpty ? undefined : lines;
}

function nameOf({ kind, count }: Moment): string {
  return `${kind} ${count} failed with ${ERRORS[kind]}`;
}
