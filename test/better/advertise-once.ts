// Run in the namespace of a router: advertises it once on the link that is named.
import "../support/native.ts";
import { readFileSync } from "node:fs";
import { sendAdvertisement } from "../kernel/advertise.ts";

const link = process.argv[2] ?? "";
const line = readFileSync("/proc/self/net/if_inet6", "utf8")
  .split("\n")
  .find((each) => each.trim().endsWith(` ${link}`));
// address, number of the link in hexadecimal, …
if (line === undefined || !sendAdvertisement(parseInt(line.split(/\s+/)[1] ?? "", 16))) process.exit(1);
