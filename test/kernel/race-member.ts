// One of many processes that want their address masqueraded at the same time. Arguments: number, lock file.
// Says "ready", starts when it is told to, and says "done".
import "../support/native.ts";
import { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NETLINK_NETFILTER } from "../../src/netlink/uapi/netlink.ts";
import { holderOf } from "../../src/nft/comment.ts";
import { ensureMasquerade, removeMasquerade } from "../../src/nft/masquerade.ts";
import { openLock } from "../../src/sys/flock.ts";
import { readAll } from "../../src/sys/stream.ts";
import { memberOf } from "./race.ts";

const [number = "0", lock = "", ...rounds] = process.argv.slice(2);
const wanted = memberOf(Number(number));
const socket = NetlinkSocket.open(NETLINK_NETFILTER);

function put(): void {
  ensureMasquerade(socket, wanted, {
    nameOf: holderOf,
    isAlive: () => true,
    isBehind: () => false,
    underNodeLock: (action) => {
      using _lock = openLock(lock, 10_000);
      action();
    },
    giveWay: () => {},
    others: () => [],
  });
}

console.log("ready");
readAll(0, "stdin");
for (const _ of rounds) {
  put();
  removeMasquerade(socket, wanted, { chain: wanted.chain.name });
}
put();
console.log("done");
