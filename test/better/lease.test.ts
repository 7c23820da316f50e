// Leases that nobody holds any more.
import { cpSync } from "node:fs";
import { call } from "../differential/call.ts";
import { setStage } from "../differential/stage.ts";
import { waitFor } from "../support/wait.ts";
import { endOf, proof } from "./proof.ts";

const LEASES = "/var/lib/cni/networks/pods";
const ONE_ADDRESS = {
  config: {
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.9" }]],
    },
  },
};

proof("L1: a full pool gets back the address of a pod that vanished without a DEL", {
  row: ONE_ADDRESS,
  play: async ({ add, call, red, blue, world }) => {
    await add(red);
    await world.host.must("ip netns delete red");
    await waitFor(
      "the kernel has removed the pod's links",
      async () => !(await world.host.must("ip link show")).includes("veth"),
    );
    return endOf(await call("ADD", { pod: blue }));
  },
  good: "done",
  bad: "refused",
});

proof("L1: after a reboot the addresses of before are free", {
  row: ONE_ADDRESS,
  play: async ({ add, red, world, plugin }) => {
    await add(red);
    await using rebooted = await setStage();
    cpSync(world.outside("/var/lib/cni"), rebooted.world.outside("/var/lib/cni"), {
      recursive: true,
      filter: (path) => !path.endsWith(".lock"),
    });
    return endOf(
      await call(rebooted.world, "ADD", {
        row: { name: "", ...ONE_ADDRESS },
        plugin,
        pod: rebooted.blue,
        isFirst: true,
      }),
    );
  },
  good: "done",
  bad: "refused",
});

proof("L2: an empty lease, as a crash leaves it, is free", {
  node: [`mkdir -p ${LEASES}`, `touch ${LEASES}/10.1.0.9`],
  row: ONE_ADDRESS,
  play: async ({ call }) => endOf(await call("ADD")),
  good: "done",
  bad: "refused",
});

proof("D21: an attachment gets one address, also when it asks for another one", {
  row: {},
  play: async ({ add, call, red, blue, world }) => {
    await add(red);
    const again = endOf(
      await call("ADD", {
        pod: blue,
        containerId: red.containerId,
        row: { runtimeConfig: { ips: ["10.1.0.77"] } },
      }),
    );
    return { again, second: world.has(`${LEASES}/10.1.0.77`) };
  },
  good: { again: "refused", second: false },
  bad: { again: "done", second: true },
});
