// Both members of a wire come and go at once, beside a third that is refused: every call is written down, and
// the books balance in the end.
import { expect } from "vitest";
import { add, addressesOf, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { hostLinks, wireNetwork } from "../support/wire.ts";
import type { Pod } from "../support/world.ts";

const ROUNDS = 15;

scene(
  "ADDs and DELs of both members at once all succeed, and each has its end in between",
  async (world) => {
    const lab = install(world, wireNetwork("lab"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const ledger: string[] = [];
    const churn = async (pod: Pod): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const call = { network: lab, pod };
        const { status, stdout } = await plugin(world, "ADD", call);
        if (status !== 0) ledger.push(`${pod.name} ${round}: ADD: ${stdout}`);
        const shown = await pod.exec("ip -br -4 address show dev eth0");
        if (!shown.stdout.includes("10.7.0.")) ledger.push(`${pod.name} ${round}: ${shown.stdout}`);
        const gone = await plugin(world, "DEL", call);
        if (gone.status !== 0) ledger.push(`${pod.name} ${round}: DEL: ${gone.stdout}`);
      }
    };
    await Promise.all([churn(red), churn(blue)]);
    expect(ledger).toEqual([]);
    const { attachments, leases } = await snapshot(world);
    expect([...(await hostLinks(world)), ...attachments.lines, ...leases.names]).toEqual([]);
    await add(world, lab, red);
    for (const address of addressesOf(await add(world, lab, blue)))
      expect(await pings(red, address)).toBe(true);
  },
  120_000,
);

scene("of three ADDs at once two succeed and are joined, and the third is refused", async (world) => {
  for (let round = 0; round < 5; round += 1) {
    const lab = install(world, wireNetwork(`lab${round}`, { subnets: [`10.7.${round}.0/24`] }));
    const pods = await Promise.all(["one", "two", "three"].map((name) => world.pod(`${name}${round}`)));
    const calls = pods.map((pod) => ({ network: lab, pod }));
    const outcomes = await Promise.all(calls.map((call) => plugin(world, "ADD", call)));
    const refused = outcomes.filter(({ status }) => status !== 0);
    expect(refused.map((outcome) => mustFail(outcome).code)).toEqual([125]);
    const [one, two] = outcomes.flatMap(({ status, stdout }, at) =>
      status === 0 ? [{ pod: pods[at]!, addresses: addressesOf(JSON.parse(stdout)) }] : [],
    );
    for (const address of two!.addresses) expect(await pings(one!.pod, address)).toBe(true);
    for (const call of calls) mustSucceed(await plugin(world, "DEL", call));
    expect(await hostLinks(world)).toEqual([]);
  }
});
