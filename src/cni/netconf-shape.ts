// Whether every value of a configuration is of its type: a plain answer for the plain case. The schema next door says the
// same and can explain what is wrong; a test holds the two together.
import { type Fields, isFields } from "./keys.ts";
import type { IpamShape, RangeShape, Shape } from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";

type Test = (value: unknown) => boolean;

const text: Test = (value) => typeof value === "string";
const flag: Test = (value) => typeof value === "boolean";
const whole: Test = (value) => Number.isSafeInteger(value);
const anything: Test = () => true;

const RANGE: Record<keyof RangeShape, Test> = { subnet: text, rangeStart: text, rangeEnd: text, gateway: text };

const IPAM: Record<keyof IpamShape, Test> = {
  ...RANGE,
  type: text,
  ranges: listOf(listOf(objectOf(RANGE))),
  routes: anything,
  dataDir: text,
  resolvConf: text,
  statusWhenFull: flag,
};

const NETCONF: Record<keyof Shape, Test> = {
  bridge: text,
  isGateway: flag,
  isDefaultGateway: flag,
  forceAddress: flag,
  ipMasq: flag,
  mtu: whole,
  hairpinMode: flag,
  promiscMode: flag,
  ipam: objectOf(IPAM),
};

/** The fields with known types. A value of a wrong type is reported and left out of the answer. */
export function parseShape(fields: Fields, problems: Problems): Shape {
  if (objectOf(NETCONF)(fields)) return fields as Shape;
  const { explainShape } = require("./netconf-schema.ts") as typeof import("./netconf-schema.ts");
  return explainShape(fields, problems);
}

function listOf(test: Test): Test {
  return (value) => {
    if (!Array.isArray(value)) return false;
    for (const item of value) if (!test(item)) return false;
    return true;
  };
}

/** Fields that are absent pass, and so do unknown ones. */
function objectOf(tests: { readonly [key: string]: Test }): Test {
  return (value) => {
    if (!isFields(value)) return false;
    for (const key of Object.keys(tests)) if (value[key] !== undefined && tests[key]?.(value[key]) !== true) return false;
    return true;
  };
}
