// A process that reserves addresses as an ADD does, for tests with many at once or with a sudden end.
//
// Arguments: the root folder of a pool (networks/ and records/ in it), a prefix for container ids, how many
// to reserve, and the range sets as `subnet,first,last,gateway;…`. Prints the addresses of each reservation
// in a line of its own. With a count of 0 it reserves and releases until it is killed.
import "./native.ts";
import { formatAddress, parseAddress } from "../../src/ip/address.ts";
import { parsePrefix } from "../../src/ip/prefix.ts";
import type { Lease } from "../../src/ipam/lease.ts";
import { release } from "../../src/ipam/release.ts";
import { Reservation } from "../../src/ipam/reserve.ts";
import { openRecordStore } from "../../src/record/store.ts";
import { recordOf } from "../unit/record/sample.ts";

const [root = "", prefix = "", count = "0", sets = ""] = process.argv.slice(2);
const directory = `${root}/networks/net`;
const records = openRecordStore(`${root}/records`);
const rangeSets = sets.split(";").map((set) => {
  const [subnet = "", first = "", last = "", gateway = ""] = set.split(",");
  return [
    {
      subnet: parsePrefix(subnet)!,
      first: parseAddress(first)!,
      last: parseAddress(last)!,
      gateway: parseAddress(gateway)!,
    },
  ];
});

for (let at = 0; Number(count) === 0 || at < Number(count); at++) {
  const record = { ...recordOf(`${prefix}${at}`), leaseDirectory: directory };
  console.log(
    reserve(record)
      .map(({ address }) => formatAddress(address.address))
      .join(" "),
  );
  if (Number(count) > 0 || at % 3 === 0) continue;
  release({ directory, key: record.key, record: records.getRecord(record.key) });
  records.removeRecord(record.key);
}

/** Reserves one address of each range set; the record is there before the addresses are taken. */
function reserve(record: ReturnType<typeof recordOf>): Lease[] {
  using reservation = Reservation.open({
    key: record.key,
    host: record.host,
    directory,
    records,
    rangeSets,
    isDead: () => false,
    hasLink: () => true,
    discard: () => {},
  });
  const { leases } = reservation;
  using intent = records.createIntent({
    ...record,
    addresses: leases.map(({ address, gateway }) => ({ address, gateway })),
  });
  intent.complete();
  reservation.take();
  return leases;
}
