// Looks at the machine while it loads, which no module may.
import { native } from "../../../src/sys/native.ts";

const user = native.geteuid();

export const main = (): number => user;
