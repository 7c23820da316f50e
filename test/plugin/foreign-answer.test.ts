// What another IPAM plugin answers: its error is passed on, its result is understood in every version, all
// else is said clearly.
import { expect } from "vitest";
import { addDirectly, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addRecorder, fails, GIVES, prints, recorderCall } from "../support/ipam.ts";
import { scene } from "../support/scene.ts";

const REFUSAL = { cniVersion: "1.1.0", code: 147, msg: "I do not want to", details: "It is Sunday" };

scene("its error is ours for every verb: code, msg and details", async (world) => {
  const call = await recorderCall(world, { ADD: GIVES });
  const result = await addDirectly(world, call);
  addRecorder(world, {
    ADD: fails(REFUSAL),
    CHECK: fails(REFUSAL),
    DEL: fails(REFUSAL),
    GC: fails(REFUSAL),
    STATUS: fails(REFUSAL),
  });
  const more = { prevResult: result, "cni.dev/valid-attachments": [{ containerID: "one", ifname: "eth0" }] };
  for (const verb of ["CHECK", "STATUS", "GC", "DEL"] as const)
    expect(mustFail(await plugin(world, verb, { ...call, more })), verb).toEqual(REFUSAL);
  // All but what the IPAM plugin keeps is gone.
  expect((await call.pod.exec("ip link show eth0")).status).not.toBe(0);
  addRecorder(world, { ADD: fails(REFUSAL) });
  mustSucceed(await plugin(world, "DEL", { ...call, more }));
  expect(mustFail(await plugin(world, "ADD", call))).toEqual(REFUSAL);
});

scene("an error without code or details is passed on as well, in any spelling of its keys", async (world) => {
  const call = await recorderCall(world, { ADD: fails({ Msg: "no", Code: null }) });
  expect(mustFail(await plugin(world, "ADD", call))).toEqual({ cniVersion: "1.1.0", code: 170, msg: "no" });
});

scene(
  "a plugin that fails without an error object is quoted",
  async (world) => {
    const wordless: [string, string, RegExp][] = [
      [
        "echo one >&2; echo two >&2; exit 3",
        "recorder ADD ended with status 3",
        /no error object; its last words: "one \| two"\. Hint: [A-Z]/,
      ],
      ["echo oh no; exit 1", "recorder ADD ended with status 1", /no error object but "oh no\\n"\. Hint/],
      ["kill -TERM $$", "recorder ADD was ended by SIGTERM", /no error object\. Hint/],
      ["echo '[]'; exit 1", "recorder ADD ended with status 1", /no error object but/],
      ["exit 0", "recorder gave a result that cannot be used", /it is empty\. Hint/],
      ["echo hello", "recorder gave a result that cannot be used", /it is no JSON\. Hint/],
      [
        prints({ ips: [{ address: "10.1.0.7" }] }),
        "recorder gave a result that cannot be used",
        /result\.ips\[0\]\.address "10\.1\.0\.7": invalid CIDR/,
      ],
      [
        prints({ ips: [{ address: "10.1.0.7/24", gateway: "fd01::1" }] }),
        "recorder gave a result that cannot be used",
        /the gateway fd01::1 of 10\.1\.0\.7\/24/,
      ],
      [
        prints({ ips: [{ address: "10.1.0.1/24" }] }),
        "10.1.0.1/24 would be the address of the pod and of its gateway",
        /Hint: [A-Z]/,
      ],
    ];
    const call = await recorderCall(world, {});
    for (const [commands, about, details] of wordless) {
      addRecorder(world, { ADD: commands });
      const error = mustFail(await plugin(world, "ADD", call));
      expect(error).toMatchObject({
        code: 170,
        msg: `IPAM plugin failed: ${about}`,
        details: expect.stringMatching(details) as string,
      });
    }
  },
  60_000,
);

scene("a result without addresses is no result", async (world) => {
  const call = await recorderCall(world, {});
  for (const document of [{}, null, { ips: [] }, { cniVersion: "1.1.0", routes: [{ dst: "0.0.0.0/0" }] }]) {
    addRecorder(world, { ADD: prints(document) });
    expect(mustFail(await plugin(world, "ADD", call))).toMatchObject({
      code: 170,
      msg: "IPAM plugin returned missing IP config",
    });
  }
});

scene(
  "a result of any version, or of none, is understood",
  async (world) => {
    const call = await recorderCall(world, {});
    const ip4 = { ip: "10.1.0.7/24", gateway: "10.1.0.1", routes: [{ dst: "10.9.0.0/16" }] };
    const results = [
      { cniVersion: "0.2.0", ip4 },
      { ip4 },
      {
        cniVersion: "0.4.0",
        ips: [{ version: "4", address: "10.1.0.7/24", gateway: "10.1.0.1", interface: 5 }],
        routes: [{ dst: "10.9.1.1/16" }],
        dns: {},
      },
      { ips: [{ address: "10.1.0.7/24", gateway: "10.1.0.1" }], Routes: [{ Dst: "10.9.0.0/16" }] },
      {
        cniVersion: "9.9.9",
        interfaces: [{ name: "x" }],
        ips: [{ address: "10.1.0.7/24" }],
        routes: [{ dst: "10.9.0.0/16" }],
      },
    ];
    for (const document of results) {
      addRecorder(world, { ADD: prints(document) });
      const result = await addDirectly(world, call);
      expect(result.ips).toEqual([{ address: "10.1.0.7/24", gateway: "10.1.0.1", interface: 2 }]);
      expect(result.routes).toEqual([{ dst: "10.9.0.0/16" }, { dst: "0.0.0.0/0", gw: "10.1.0.1" }]);
      expect(await call.pod.must("ip route show 10.9.0.0/16")).toContain("via 10.1.0.1");
      mustSucceed(await plugin(world, "DEL", call));
    }
  },
  60_000,
);

scene("results of the oldest protocol go in and out", async (world) => {
  const call = await recorderCall(
    world,
    { ADD: prints({ cniVersion: "0.2.0", ip4: { ip: "10.1.0.7/24" }, ip6: { ip: "fd01::7/64" } }) },
    { cniVersion: "0.2.0" },
  );
  const { ip4, ip6 } = (await addDirectly(world, call)) as unknown as Record<string, unknown>;
  expect(ip4).toEqual({
    ip: "10.1.0.7/24",
    gateway: "10.1.0.1",
    routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }],
  });
  expect(ip6).toEqual({ ip: "fd01::7/64", gateway: "fd01::1", routes: [{ dst: "::/0", gw: "fd01::1" }] });
});
