// All parts of the suite.

import { churn } from "./churn.ts";
import { damage } from "./damage.ts";
import { errors } from "./errors.ts";
import { fuzzForeign, fuzzInput } from "./fuzz-input.ts";
import { fuzzNative } from "./fuzz-native.ts";
import { fuzzNetlink } from "./fuzz-netlink.ts";
import { kills } from "./kills.ts";
import { limits } from "./limits.ts";
import type { Part } from "./part.ts";
import { podAttack } from "./pod-attack.ts";

export const PARTS: readonly Part[] = [
  kills,
  errors,
  churn,
  damage,
  limits,
  fuzzNetlink,
  fuzzInput,
  fuzzForeign,
  podAttack,
  fuzzNative,
];
