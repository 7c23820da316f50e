// A whole test process in a network namespace of its own, for servers and clients that are both in it.
import { native } from "../../src/sys/native.ts";
import { Netns } from "./netns.ts";

const CLONE_NEWNET = 0x40000000;

/** From now on sockets of this process are in a new namespace, with a loopback alone. */
export function enterOwnNetwork(): void {
  const netns = Netns.open();
  netns.run("ip link set lo up");
  const result = native.setns(netns.handle.fd, CLONE_NEWNET);
  if (result < 0) throw new Error(`The test cannot enter its own network namespace: errno ${-result}`);
}
