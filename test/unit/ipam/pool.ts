// A pool in a folder of its own to test with, and the reference host-local on the same folder.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Attachment, HostIdentity } from "../../../src/attachment/attachment.ts";
import type { AttachmentKey } from "../../../src/cni/attachment-key.ts";
import { formatAddress, parseAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { LeaseRange } from "../../../src/ip/range.ts";
import type { Lease } from "../../../src/ipam/lease.ts";
import { release } from "../../../src/ipam/release.ts";
import type { AddressWish } from "../../../src/ipam/reservation.ts";
import { Reservation } from "../../../src/ipam/reserve.ts";
import { openRecordStore, type RecordStore } from "../../../src/record/store.ts";
import { address, prefix } from "../../support/ip.ts";
import { toolPath } from "../../support/tool.ts";
import { HOST, recordOf } from "../record/sample.ts";

export const NETWORK = "net";

/** `subnet, first, last, gateway` as a range. */
export function range(subnet: string, first: string, last: string, gateway: string): LeaseRange {
  return {
    subnet: prefix(subnet),
    first: address(first),
    last: address(last),
    gateway: address(gateway),
  };
}

export const TEN = range("10.1.2.0/24", "10.1.2.1", "10.1.2.254", "10.1.2.1");
export const SIX = range("fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff", "fd00::1");

/** A pool that is empty when a test of the file begins, and gone when it has ended. */
export function poolForEachTest(...rangeSets: LeaseRange[][]): Pool {
  const pool = new Pool(...rangeSets);
  beforeEach(() => void pool.open());
  afterEach(() => pool.remove());
  return pool;
}

export class Pool {
  root!: string;
  records!: RecordStore;
  rangeSets!: LeaseRange[][];
  readonly #firstSets: LeaseRange[][];

  constructor(...rangeSets: LeaseRange[][]) {
    this.#firstSets = rangeSets.length === 0 ? [[TEN]] : rangeSets;
  }

  /** Begins with an empty folder, and with the sets of ranges that it was made with. */
  open(): this {
    this.root = mkdtempSync("/tmp/pool-");
    this.records = openRecordStore(join(this.root, "records"));
    this.rangeSets = this.#firstSets;
    return this;
  }

  get dataDir(): string {
    return join(this.root, "networks");
  }

  get directory(): string {
    return join(this.dataDir, NETWORK);
  }

  /** An ADD: the record is completed. */
  add(containerId: string, changes: Partial<AddressWish> = {}, host: HostIdentity = HOST): string[] {
    const leases = this.reserve(containerId, changes, host);
    return leases.map(({ address }) => formatAddress(address.address));
  }

  reserve(containerId: string, changes: Partial<AddressWish> = {}, host: HostIdentity = HOST): Lease[] {
    using reservation = this.choose(containerId, changes, host);
    const { leases } = reservation;
    using intent = this.records.createIntent(this.recordOf(containerId, leases, host));
    reservation.take();
    intent.complete();
    return leases;
  }

  /** An ADD that dies when it has taken its addresses. */
  addKilled(containerId: string): void {
    using reservation = this.choose(containerId);
    using _intent = this.records.createIntent(this.recordOf(containerId, reservation.leases));
    reservation.take();
  }

  /** The addresses of an ADD, chosen and not taken. */
  choose(containerId: string, changes: Partial<AddressWish> = {}, host: HostIdentity = HOST): Reservation {
    return Reservation.open({
      key: keyOf(containerId),
      host,
      directory: this.directory,
      records: this.records,
      rangeSets: this.rangeSets,
      isDead: () => false,
      hasLink: () => true,
      discard: () => {},
      ...changes,
    });
  }

  recordOf(containerId: string, addresses: Attachment["addresses"], host: HostIdentity = HOST): Attachment {
    return {
      ...recordOf(containerId),
      host,
      leaseDirectory: this.directory,
      addresses: addresses.map(({ address, gateway }) => ({ address, gateway })),
    };
  }

  /** A DEL. */
  del(containerId: string): void {
    const key = keyOf(containerId);
    release({ directory: this.directory, key, record: this.records.getRecord(key) });
    this.records.removeRecord(key);
  }

  /** Puts a lease file there by hand. */
  put(name: string, content: string): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(join(this.directory, name), content);
  }

  read(name: string): string {
    return readFileSync(join(this.directory, name), "utf8");
  }

  /** The names of the lease files. */
  leases(): string[] {
    return this.names().filter((name) => parseAddress(name) !== undefined);
  }

  names(): string[] {
    return readdirSync(this.directory).sort();
  }

  /**
   * The reference's answer to a command for this pool: the addresses of an ADD, or the message of its error.
   */
  hostLocal(command: "ADD" | "DEL" | "CHECK", containerId: string): { addresses: string[]; message: string } {
    const { stdout, stderr, status } = spawnSync(toolPath("host-local"), {
      input: this.hostLocalConfig(),
      env: hostLocalEnvironment(command, containerId),
      encoding: "utf8",
      timeout: 20_000,
    });
    if (stderr !== "") throw new Error(`host-local: ${stderr}`);
    const answer = stdout === "" ? {} : JSON.parse(stdout);
    return {
      addresses: (answer.ips ?? []).map(({ address }: { address: string }) => address.split("/")[0]),
      message: status === 0 ? "" : answer.msg,
    };
  }

  hostLocalConfig(): string {
    const ranges = this.rangeSets.map((set) =>
      set.map(({ subnet, first, last, gateway }) => ({
        subnet: formatPrefix(subnet),
        rangeStart: formatAddress(first),
        rangeEnd: formatAddress(last),
        gateway: gateway && formatAddress(gateway),
      })),
    );
    return JSON.stringify({
      cniVersion: "1.0.0",
      name: NETWORK,
      type: "bridge",
      prevResult: { cniVersion: "1.0.0" },
      ipam: { type: "host-local", dataDir: this.dataDir, ranges },
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export function keyOf(containerId: string): AttachmentKey {
  return { network: NETWORK, containerId, interfaceName: "eth0" };
}

export function hostLocalEnvironment(command: string, containerId: string): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: "/dev/null",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/nowhere",
  };
}
