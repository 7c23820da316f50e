// Each request of an ADD on a wire that the system refuses: the ADD is taken back, and the other member loses
// nothing.
import { expect } from "vitest";
import { add, addDirectly, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { failAt } from "../support/hurt.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { holdings, hostLinks, WIRE_WITH_ALL, wireNetwork } from "../support/wire.ts";

for (const member of ["first", "second"])
  scene(
    `an ADD of the ${member} member of which one request fails leaves nothing`,
    async (world) => {
      const lab = install(world, wireNetwork("lab", WIRE_WITH_ALL));
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      const call = { network: lab, pod: red };
      await add(world, lab, blue);
      await addDirectly(world, call);
      mustSucceed(await plugin(world, "DEL", call));
      if (member === "first") mustSucceed(await plugin(world, "DEL", { network: lab, pod: blue }));
      const facts = async () => {
        const { leases, records } = await snapshot(world);
        const held = member === "second" ? await holdings(blue) : [];
        return { links: await hostLinks(world), leases: leases.names, records: records.lines, held };
      };
      const before = await facts();
      await atEveryMoment(
        async (moment) => {
          const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, "ENOMEM");
          if (outcome.status !== 0) mustFail(outcome);
          else mustSucceed(await plugin(world, "DEL", call));
          expect(await facts(), `${moment.kind} ${moment.count}`).toEqual(before);
          return wasHurt;
        },
        ["sendto"],
      );
    },
    120_000,
  );
