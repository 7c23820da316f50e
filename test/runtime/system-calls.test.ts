// Every system call of a call, in order. One more than before is seen here, not in a benchmark: whoever adds
// one on purpose changes the list, and says what it is for.
import { expect } from "vitest";
import { mustSucceed, type PluginCall, plugin, type Verb } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

const TRACE = "/run/world/calls";

const START = `
  # the C library starts
  execve arch_prctl set_tid_address
  # a reader that goes away is no signal, nor is a limit on the size of files; a closed standard descriptor is
  # taken
  rt_sigaction rt_sigaction ppoll
  # the engine: fresh memory, the stack's size
  madvise prlimit64`;

const VERSION = `${START}
  # the answer; stdin is not read
  write
  exit_group`;

const ADD = `${START}
  # stdin, up to its end
  read read
  # the host: its namespace, a netlink socket there (three options), the namespace's cookie
  openat socket setsockopt setsockopt setsockopt getsockopt
  # the pod: the same, made inside
  openat setns socket setsockopt setsockopt setsockopt setns getsockopt
  # the pod has no eth0: an error is its answer
  sendto recvfrom
  # the bridge is there: a link, then the end of the request
  sendto recvfrom recvfrom
  # MACs by chance
  getrandom
  # which start of the machine this is
  openat read close
  # the lock of the leases, which nobody else holds, so it is tried once
  openat flock
  # records are of this start of the machine
  openat read close
  # the attachment has none: no intent, no record, none that was stopped
  statx statx statx
  # the address after the one that was leased last; it is free
  openat read close statx
  # the intent, locked; the file is still that of its name
  openat flock statx write
  # the lease, whole at once; nobody can have the name before it is full
  openat write close linkat unlinkat
  # the last leased address
  statx openat write close
  # the lock of the leases
  close
  # the bridge has its address: one address, then the end of the list
  sendto recvfrom recvfrom
  # forwarding is on
  openat read close
  # the pair of interfaces, with the host's end in the bridge; then that end
  sendto recvfrom recvfrom
  # accept_ra of the pod's end, written in the pod
  setns openat write close setns
  # the pod's end gets its addresses and routes, is raised, and is looked at
  sendto recvfrom
  # the host's end is raised. Asking for it and the bridge makes the kernel do its pending carrier work first,
  # so the port forwards at this first look, and nothing is waited for
  sendto recvfrom recvfrom recvfrom
  # the pod's end is announced
  sendto recvfrom recvfrom
  # the intent becomes the record
  statx renameat2
  # the answer
  write
  # both ends of the machine: sockets and namespaces; the lock of the intent ends with the process
  close close close close
  exit_group`;

/** The names of the system calls of a call that has to succeed. */
async function systemCalls(world: World, verb: Verb, call: PluginCall): Promise<string[]> {
  mustSucceed(
    await plugin(world, verb, { ...call, through: [toolPath("strace"), "-f", "-qq", "-o", TRACE] }),
  );
  // Lines like `4711 openat(AT_FDCWD, …) = 3`; the pid stands in each.
  const lines = world.read(TRACE).trimEnd().split("\n");
  return lines.map((line) => /^\d+ +(\w+)\(/.exec(line)?.[1] ?? line);
}

/** The names in a list of the above, without its comments. */
const names = (list: string): string[] => list.replaceAll(/#.*$/gm, "").trim().split(/\s+/);

// Nothing in the lists is free to vary: all answers of rtnetlink are there when the request has been sent (so
// no poll), the locks are nobody else's, and no signal comes.
scene("a plain ADD beside another pod makes these system calls, and VERSION these", async (world) => {
  const pods = install(world, network("pods", { ipMasq: false }));
  mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
  expect(await systemCalls(world, "ADD", { network: pods, pod: await world.pod("blue") })).toEqual(
    names(ADD),
  );
  expect(await systemCalls(world, "VERSION", { network: pods })).toEqual(names(VERSION));
});
