// How a configuration is read: keys in any case, null, keys twice, keys that nobody knows; CNI_ARGS.
import { onlyOurs, type Row } from "../row.ts";
import { LAYER_2 } from "./link.ts";

const REFUSED_TWICE = { where: "DEL", ours: "done", reference: "refused" };
const NUMBERS = [
  ...onlyOurs("JSON knows one kind of number: 1400.0 is 1400."),
  { ...REFUSED_TWICE, why: "The same for DEL." },
];
const ARGS = [
  ...onlyOurs("CNI_ARGS are hints of the runtime; what is not understood there is nobody's fault here."),
  { ...REFUSED_TWICE, why: "The same for DEL." },
];

export const READING_ROWS: Row[] = [
  {
    name: "keys in another case",
    config: { isGateway: undefined, hairpinMode: undefined },
    text: '"ISGATEWAY": true, "HairPinMode": true, "MTU": 1400',
  },
  { name: "a key twice: the last one counts", text: '"mtu": 1400, "mtu": 1300' },
  {
    name: "a key twice in two cases",
    text: '"mtu": 1400, "MTU": 1300',
    differences: [
      {
        where: "*mtu",
        ours: "1400",
        reference: "1300",
        why: "The right spelling counts, wherever it stands.",
      },
    ],
  },
  {
    name: "null is absent",
    config: { mtu: null, hairpinMode: null, isGateway: null, ipMasq: null, dns: null, bridge: null },
  },
  { name: "ipam null is layer 2", config: { isGateway: false, ipam: null }, differences: LAYER_2 },
  {
    name: "keys that nobody knows",
    config: {
      colour: "red",
      ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24", colour: "red" }]], shape: [] },
    },
  },
  { name: "a whole number written with a point", text: '"mtu": 1400.0', differences: NUMBERS },
  { name: "a whole number written with an exponent", text: '"mtu": 14e2', differences: NUMBERS },
  { name: "something behind the configuration", text: '"mtu": 1400} {' },
  { name: "no JSON", text: '"mtu": ' },
  {
    name: "CNI_ARGS that Kubernetes sends",
    cniArgs: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0",
  },
  { name: "CNI_ARGS that nobody knows", cniArgs: "COLOUR=red", differences: ARGS },
  { name: "CNI_ARGS that are no pairs", cniArgs: "red", differences: ARGS },
  { name: "CNI_ARGS with a semicolon at the end", cniArgs: "IgnoreUnknown=1;", differences: ARGS },
];
