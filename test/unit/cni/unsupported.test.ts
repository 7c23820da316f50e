import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { failureOf } from "./failure.ts";

const IPAM = { type: "host-local", subnet: "10.1.0.0/16" };
const parse = (fields: object, args: [string, string][] = []) => parseNetconf(JSON.stringify({ cniVersion: "1.0.0", name: "pods", ipam: IPAM, ...fields }), "ADD", new Map(args));

test.each<[object, string]>([
  [{ vlan: 100 }, "vlan = 100"],
  [{ VLAN: 100 }, "vlan = 100"],
  [{ vlanTrunk: [{ id: 5 }] }, "vlanTrunk = [(an object)]"],
  [{ portIsolation: true }, "portIsolation = true"],
  [{ enabledad: true }, "enabledad = true"],
  [{ disableContainerInterface: true, ipam: null }, "disableContainerInterface = true"],
  [{ ipMasqBackend: "iptables" }, 'ipMasqBackend = "iptables"'],
  [{ ipam: { type: "dhcp" } }, 'ipam.type = "dhcp"'],
  [{ ipam: { type: "/opt/cni/bin/host-local", subnet: 5 } }, 'ipam.type = "/opt/cni/bin/host-local"'],
  [{ runtimeConfig: { ips: ["10.1.0.5/16"] } }, 'runtimeConfig.ips = ["10.1.0.5/16"]'],
  [{ RuntimeConfig: { Mac: "aa:bb:cc:dd:ee:ff" } }, 'runtimeConfig.mac = "aa:bb:cc:dd:ee:ff"'],
  [{ args: { cni: { ips: ["10.1.0.5"] } } }, 'args.cni.ips = ["10.1.0.5"]'],
  [{ args: { cni: { mac: "aa:bb:cc:dd:ee:ff" } } }, 'args.cni.mac = "aa:bb:cc:dd:ee:ff"'],
])("%j is refused with code 2, key and value, and what to do", (fields, shown) => {
  const error = failureOf(() => parse(fields));
  expect(error).toMatchObject({ code: 2, msg: `unsupported field in network configuration: ${shown}` });
  expect(error.details).toMatch(/^Hint: [A-Z]/);
});

test.each([["IP", "10.1.0.5"], ["MAC", "0a:58:0a:01:00:05"]] as const)("CNI_ARGS %s is refused", (key, value) => {
  expect(failureOf(() => parse({}, [[key, value]]))).toMatchObject({ code: 2, msg: `unsupported field in network configuration: CNI_ARGS ${key} = "${value}"` });
});

test.each([
  { vlan: 0, vlanTrunk: [], macspoofchk: false, portIsolation: false, enabledad: false, disableContainerInterface: false },
  { vlan: null, vlanTrunk: null, macspoofchk: null, ipMasqBackend: null, runtimeConfig: null, args: null },
  { ipMasqBackend: "nftables", runtimeConfig: { ips: [], mac: "", ipRanges: [] }, args: { cni: { ips: null, mac: "" } } },
  { runtimeConfig: { portMappings: [] } },
])("what is switched off is fine: %j", (fields) => {
  expect(parse(fields, [["IP", ""], ["mac", "x"], ["K8S_POD_NAME", "a"]])).toEqual(parse({}));
});

test("all of them are named at once", () => {
  const { details } = failureOf(() => parse({ vlan: 5, portIsolation: true }, [["IP", "10.1.0.5"]]));
  expect(details).toContain('3 fields are not supported: vlan = 5, portIsolation = true, CNI_ARGS IP = "10.1.0.5"');
});
