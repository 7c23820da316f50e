// An interface name with characters that mean something to other programs: who lists rules reads them again.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { portConfig } from "../support/host-port.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";

for (const interfaceName of ['a"b', "a\\", 'a";}', "\u00e9th0", "a'b#"]) {
  scene(
    `the rules of a pod with the interface ${interfaceName} are read again by nft, and go with its DEL`,
    async (world) => {
      const pods = install(world, network("pods", { macspoofchk: true, ingressPolicy: "isolated" }));
      const more = portConfig([{ hostPort: 8080, containerPort: 80 }]);
      await warmUp(world, pods);
      const call = { network: pods, pod: await world.pod("red"), interfaceName, more };
      for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(world, verb, call));
      const baseline = await snapshot(world);
      mustSucceed(await plugin(world, "ADD", call));
      const rules = await world.host.must("nft list ruleset");
      expect(rules).toContain(` pods ${call.pod.containerId} a?`.slice(0, -2));
      await world.host.must(["sh", "-c", "nft list ruleset | nft --check --file -"]);
      // Without a record DEL goes by the comments.
      await world.host.must(["sh", "-c", "rm /var/lib/cni/pontoon/pods/*.json"]);
      mustSucceed(await plugin(world, "DEL", call));
      expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
    },
  );
}
