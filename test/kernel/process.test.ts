// Whose sockets are found by /proc, and how far that look goes: any process of the node can make it long.
import { expect, test } from "vitest";
import { findHolders } from "../../src/look/process.ts";
import { Netns } from "../support/netns.ts";
import { BackgroundProcess } from "../support/process.ts";
import { SYSTEM_PATH } from "../support/tool.ts";

/** Opens as many files as it is told, then a socket; prints the socket's inode and waits. */
const HOLDER = `
import os, resource, socket, sys
count = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
files = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
with socket.socket() as own:
    print(os.readlink(f"/proc/self/fd/{own.fileno()}"), flush=True)
    sys.stdin.read()
`;

interface Holder extends AsyncDisposable {
  pid: number;
  inode: number;
}

/** A process of this namespace that has `files` files open, and a socket. */
async function holderIn(host: Netns, files: number): Promise<Holder> {
  const process = new BackgroundProcess(host.command(["python3", "-c", HOLDER, String(files)]), {
    env: { PATH: SYSTEM_PATH },
  });
  await process.says("]");
  const inode = Number(/socket:\[(\d+)\]/.exec(process.output)?.[1]);
  return { pid: process.pid, inode, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

function pidsOf(host: Netns, { inode }: Holder): number[] {
  const holders = host.inside(() => findHolders(new Set([inode])).get(inode) ?? []);
  return holders.map(({ pid }) => pid);
}

test("a process of the node is found by its socket, and one in a pod's namespace is not looked at", async () => {
  using host = Netns.open();
  using pod = Netns.open();
  await using holder = await holderIn(host, 0);
  expect(pidsOf(host, holder)).toEqual([holder.pid]);
  expect(pidsOf(pod, holder)).toEqual([]);
});

test("the look ends at a number of descriptors that no process with a listener needs", async () => {
  using host = Netns.open();
  await using usual = await holderIn(host, 1_000);
  await using busy = await holderIn(host, 10_000);
  expect(pidsOf(host, usual)).toEqual([usual.pid]);
  expect(pidsOf(host, busy)).toEqual([]);
});
