// What is said of each plugin that Pontoon makes needless. The keys are those that src/cni reads and no
// others, which the compiler sees to.
import type { Fields } from "../../cni/keys.ts";
import type { NETCONF_KEYS } from "../../cni/netconf-keys.ts";

export type NetconfKey = keyof typeof NETCONF_KEYS;
export type Capability = keyof (typeof NETCONF_KEYS)["runtimeConfig"];

/** Something that Pontoon does otherwise; `key` is where that stands in the entry, or would. */
export interface Difference {
  key: string;
  text: string;
}

/** How Pontoon takes the place of a plugin. */
export interface Replacement {
  /**
   * Keys that become keys of the pontoon entry under the same name. A value that Pontoon refuses keeps the
   * entry in the chain.
   */
  keys: readonly NetconfKey[];
  /** The capabilities that the plugin listens to. */
  capabilities: readonly Capability[];
  /**
   * What is asked for by the plugin's being there, where its entry does not say otherwise. An empty text says
   * nothing.
   */
  adds?: { readonly [key in NetconfKey]?: unknown };
  /** Keys that are not needed any more; `differences` says where that makes a difference. */
  needless?: readonly string[];
  /** Keys without an equal: an entry with one of them stays in the chain, for the reason given. */
  without?: { readonly [key: string]: string };
  /** True: the plugin does not listen to its capabilities when its entry has one of `keys`. */
  isDeafWithKeys?: boolean;
  /** True: the plugin may stand in a chain several times. */
  isRepeatable?: boolean;
  /** What is done differently for an entry with these fields. */
  differences: (entry: Fields) => Difference[];
}
