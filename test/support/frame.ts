// Frames by hand, and a wire's end that sends them raw: what no well-behaved kernel would send.
import { addressBytes } from "../../src/ip/address.ts";
import { macBytes } from "../../src/ip/mac.ts";
import { address } from "./ip.ts";
import type { Place } from "./place.ts";
import { waitFor } from "./wait.ts";

export const BROADCAST = "ff:ff:ff:ff:ff:ff";

/** A frame; `tags` are VLAN tags, the outer one first, each with its protocol. */
export interface Frame {
  to: string;
  from: string;
  tags?: { protocol: number; vlan: number }[];
  type: number;
  body: Uint8Array;
}

export function bytesOf({ to, from, tags = [], type, body }: Frame): Uint8Array {
  return joined(
    macBytes(to),
    macBytes(from),
    ...tags.flatMap(({ protocol, vlan }) => [be16(protocol), be16(vlan)]),
    be16(type),
    body,
  );
}

/** A body and the type of its frame. */
export type Packet = Pick<Frame, "type" | "body">;

export interface Arp {
  mac: string;
  ip: string;
  target: string;
  isReply?: boolean;
  /** The lengths of addresses that the header names. */
  lengths?: [number, number];
}

export function arp({ mac, ip, target, isReply = false, lengths = [6, 4] }: Arp): Packet {
  const header = Uint8Array.of(0, 1, 8, 0, ...lengths, 0, isReply ? 2 : 1);
  const body = joined(header, macBytes(mac), ip4(ip), macBytes(BROADCAST), ip4(target));
  return { type: 0x0806, body };
}

export interface Ip {
  from: string;
  to: string;
  protocol: number;
  body: Uint8Array;
  /** IPv4: the field of flags and offset. */
  fragment?: number;
}

export function ipv4({ from, to, protocol, body, fragment = 0 }: Ip): Packet {
  const head = joined(
    Uint8Array.of(0x45, 0),
    be16(20 + body.length),
    be16(7),
    be16(fragment),
    Uint8Array.of(64, protocol, 0, 0),
    ip4(from),
    ip4(to),
  );
  head.set(be16(checksum(head)), 10);
  return { type: 0x0800, body: joined(head, body) };
}

/** `headers`: extension headers before the body, the last of which names the protocol. */
export function ipv6({ from, to, protocol, body, headers }: Ip & { headers?: [number, Uint8Array] }): Packet {
  const [next, between] = headers ?? [protocol, new Uint8Array()];
  const head = joined(
    Uint8Array.of(0x60, 0, 0, 0),
    be16(between.length + body.length),
    Uint8Array.of(next, 255),
    addressBytes(address(from)),
    addressBytes(address(to)),
  );
  return { type: 0x86dd, body: joined(head, between, body) };
}

/** A fragment header (RFC 8200): the protocol behind it, and the field of offset and flag. */
export function fragmentHeader(protocol: number, field: number): [number, Uint8Array] {
  return [44, joined(Uint8Array.of(protocol, 0), be16(field), Uint8Array.of(0, 0, 0, 9))];
}

/** An empty destination options header of eight bytes (RFC 8200). */
export function optionsHeader(protocol: number): [number, Uint8Array] {
  return [60, Uint8Array.of(protocol, 0, 1, 4, 0, 0, 0, 0)];
}

export function udp(from: number, to: number, text = "hello"): Uint8Array {
  const body = new TextEncoder().encode(text);
  return joined(be16(from), be16(to), be16(8 + body.length), be16(0), body);
}

/** An ICMPv6 message with its checksum; the target of ND messages, if there is one. */
export function icmp6(type: number, { from, to, target }: { from: string; to: string; target?: string }) {
  const body = joined(
    Uint8Array.of(type, 0, 0, 0, type === 136 ? 0x20 : 0, 0, 0, 0),
    target === undefined ? new Uint8Array(16) : addressBytes(address(target)),
  );
  const pseudo = joined(
    addressBytes(address(from)),
    addressBytes(address(to)),
    Uint8Array.of(0, 0, 0, body.length, 0, 0, 0, 58),
  );
  body.set(be16(checksum(joined(pseudo, body))), 2);
  return body;
}

const SENDER = `
import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
for line in sys.stdin:
    link.send(bytes.fromhex(line))
`;

/** Sends frames by eth0 of a place, as they are. */
export async function send(from: Place, frames: readonly Uint8Array[]): Promise<void> {
  const stdin = frames.map((frame) => `${Buffer.from(frame).toString("hex")}\n`).join("");
  await from.must(["python3", "-c", SENDER], { stdin });
}

const LISTENER = `
import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
link.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
link.bind((sys.argv[1], 3))
print("listening", flush=True)
while True:
    frame, origin = link.recvfrom(65535)
    if origin[2] != 4 and b"mark:" in frame:
        print("got", frame[frame.rindex(b"mark:") + 5:].decode(), flush=True)
`;

/** A wire where frames may come out. */
export interface Listening {
  place: Place;
  link: string;
}

/**
 * The names of the frames that come out at `at` when `from` sends all of them. `last` has to come out too: it
 * is sent behind the others, so that it is known when no more will come.
 */
export async function passing(
  from: Place,
  at: Listening,
  frames: Readonly<Record<string, Frame>>,
  last: Frame,
): Promise<string[]> {
  await using listener = at.place.start(["python3", "-c", LISTENER, at.link]);
  await listener.says("listening");
  const all = { ...frames, last };
  const marked = Object.values(all).map((frame, number) =>
    joined(bytesOf(frame), new TextEncoder().encode(`mark:${number}`)),
  );
  await send(from, marked);
  const end = `got ${marked.length - 1}\n`;
  await waitFor("the last frame has come out", () => listener.output.includes(end));
  const got = new Set([...listener.output.matchAll(/^got (\d+)$/gm)].map(([, number]) => Number(number)));
  return Object.keys(frames).filter((_, number) => got.has(number));
}

const FLOODER = `
import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
to = bytes.fromhex(sys.argv[1])
for number in range(int(sys.argv[2])):
    link.send(to + b"\\x0a\\x01" + number.to_bytes(4, "big") + b"\\x88\\xcc" + bytes(46))
`;

/** Sends frames with so many different source MACs to one destination. */
export async function flood(from: Place, to: string, count: number): Promise<void> {
  await from.must(["python3", "-c", FLOODER, to.replaceAll(":", ""), String(count)], { timeoutMs: 60_000 });
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function ip4(text: string): Uint8Array {
  return addressBytes(address(text));
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
