// What is wrong with a call that was hurt: its words, and what it did too early.
import type { CniError } from "./cni.ts";
import type { Outcome } from "./process.ts";
import type { World } from "./world.ts";

/** What is wrong with a failure's words; undefined when they are as they should be. */
export function complaintAbout({ stdout, stderr }: Outcome): string | undefined {
  // Where stdout itself is what failed, the error is on stderr.
  const text = stdout === "" ? stderr : stdout;
  try {
    const { code, msg } = JSON.parse(text) as CniError;
    return code === 999 || msg === "" ? text : undefined;
  } catch {
    return `no error object: ${text}`;
  }
}

/**
 * The addresses that the next pod could get while a rule still leads to them; undefined when there are none.
 * `folder` has the leases.
 */
export async function freedTooEarly(
  world: World,
  addresses: string[],
  folder = "/var/lib/cni/networks/pods",
): Promise<string | undefined> {
  const rules = await world.host.must("nft list ruleset");
  const isNamed = (address: string): boolean => rules.split(/[\s,{}]+/).includes(address);
  const hasLease = (address: string): boolean => world.has(`${folder}/${address}`);
  const free = addresses.filter((address) => isNamed(address) && !hasLease(address));
  return free.length === 0 ? undefined : `free, and a rule names it: ${free.join(", ")}`;
}
