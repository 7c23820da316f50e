// Functions of the C library that tests need and the product does not.
import { native } from "../../src/sys/native.ts";
import { testing } from "./native.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const CLONE_NEWNET = 0x40000000;

/** Puts the thread that calls into a new network namespace. False when the kernel refuses. */
export function unshareNetwork(): boolean {
  return native.unshare(CLONE_NEWNET) === 0;
}

/** Two local datagram sockets that are connected to each other. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  if (testing.socketpair(AF_UNIX, SOCK_DGRAM, 0, new Uint8Array(pair.buffer)) !== 0)
    throw new Error("The test could not make a pair of sockets.");
  return [pair[0]!, pair[1]!];
}

/** Sends one datagram to `address`, a struct sockaddr of whichever family. False when the kernel refuses. */
export function sendTo(fd: number, bytes: Uint8Array, address: Uint8Array): boolean {
  return testing.sendto(fd, bytes, address) === bytes.length;
}
