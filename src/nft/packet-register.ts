// The registers of a rule of nftables: which property of the packet is in which of them.
// (net/netfilter/nf_tables_api.c: nft_parse_register)
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Packet } from "./packet.ts";
import { type Field, unknownBytes } from "./packet-field.ts";
import type { KeyParts } from "./packet-set.ts";

/** The bytes of a part, by which longer properties go on in the next. */
const PART = 4;

/** The number behind the last part: NFT_REG_4 ends there. */
const LAST_PART = 20;

/** The registers of one rule while it is read. */
export class Registers {
  /** Properties by the number of the part of four bytes where they begin. */
  private readonly fields = new Map<number, Field>();

  /** The property that begins in a register. */
  at(register: number | undefined): Field | undefined {
    return register === undefined ? undefined : this.fields.get(partOf(register));
  }

  put(register: number, field: Field): void {
    const [begin, end] = [partOf(register), partOf(register) + partsOf(field)];
    for (const [at, other] of this.fields)
      if (at < end && at + partsOf(other) > begin) this.fields.delete(at);
    this.fields.set(begin, field);
  }

  clear(): void {
    this.fields.clear();
  }

  /** The properties from a register on; undefined: nothing is known of a part of four bytes. */
  from(register: number): (Field | undefined)[] {
    const found: (Field | undefined)[] = [];
    for (let part = partOf(register); part < LAST_PART; part += partsOf(found.at(-1)))
      found.push(this.fields.get(part));
    return found;
  }
}

/** Those of the properties that fill up a key of so many bytes. */
export function fieldsOfKey(fields: readonly (Field | undefined)[], length: number): (Field | undefined)[] {
  let parts = 0;
  return fields.filter((field) => {
    const isIn = parts * PART < length;
    parts += partsOf(field);
    return isIn;
  });
}

/** The key of a packet: the bytes of each property, which fill up whole parts in a key of several. */
export function keyOf(fields: readonly (Field | undefined)[], length: number, packet: Packet): KeyParts {
  if (fields.length === 1) return [bytesOf(fields[0], packet).slice(0, length)];
  return fields.map((field) => {
    const bytes = bytesOf(field, packet);
    return [...bytes, ...new Array<number>(-bytes.length & (PART - 1)).fill(0)];
  });
}

function bytesOf(field: Field | undefined, packet: Packet) {
  return field?.bytesOf(packet) ?? unknownBytes(PART);
}

/** Registers of 16 bytes have the numbers up to NFT_REG_4, their parts the numbers from NFT_REG32_00 on. */
function partOf(register: number): number {
  return register < nft.NFT_REG32_00 ? PART * register : PART + register - nft.NFT_REG32_00;
}

function partsOf(field: Field | undefined): number {
  return Math.max(1, Math.ceil((field?.length ?? PART) / PART));
}
