// A host that has had pods before: what networks share is there, so that a comparison shows what one attachment did.
import { add, del } from "./cni.ts";
import type { Network } from "./network.ts";
import { snapshot } from "./snapshot.ts";
import type { World } from "./world.ts";

/** Attaches a pod to each network and takes it away again; gives the state after that. */
export async function warmUp(world: World, ...networks: Network[]): Promise<string[]> {
  const pod = await world.pod("warm");
  for (const conflist of networks) {
    await add(world, conflist, pod);
    await del(world, conflist, pod);
  }
  await world.removePod(pod);
  return snapshot(world);
}

/** The name of a pod's link on the host's side, by the kernel's own word for the other end of `link`. */
export async function hostLinkOf(world: World, namespaceName: string, link = "eth0"): Promise<string> {
  const pod = world.pods.find(({ name }) => name === namespaceName);
  const [inside] = await pod!.json<{ link_index: number }[]>(`ip -j link show ${link}`);
  const outside = await world.host.json<{ ifindex: number; ifname: string }[]>("ip -j link show");
  const found = outside.find(({ ifindex }) => ifindex === inside?.link_index);
  if (found === undefined) throw new Error(`The other end of ${link} in ${namespaceName} is not in the host.`);
  return found.ifname;
}
