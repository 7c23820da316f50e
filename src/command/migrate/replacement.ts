// The description of a plugin that Pontoon replaces. The compiler sees to it that its keys are keys that
// src/cni reads.
import type { Fields } from "../../cni/keys.ts";
import type { NETCONF_KEYS } from "../../cni/netconf-keys.ts";

export type NetconfKey = keyof typeof NETCONF_KEYS;
export type Capability = keyof (typeof NETCONF_KEYS)["runtimeConfig"];

/** A difference between Pontoon and the plugin; `key` is its key in the entry, whether or not it is there. */
export interface Difference {
  key: string;
  text: string;
}

/** The rules by which Pontoon takes the place of a plugin. */
export interface Replacement {
  /**
   * Keys that become keys of the pontoon entry under the same name. A value that Pontoon refuses keeps the
   * entry in the chain.
   */
  keys: readonly NetconfKey[];
  /** The capabilities that the plugin uses. */
  capabilities: readonly Capability[];
  /**
   * The settings that the plugin's presence means, where its entry does not say otherwise. An empty text says
   * nothing.
   */
  adds?: { readonly [key in NetconfKey]?: unknown };
  /** Keys that are not needed any more; `differences` names their effects. */
  needless?: readonly string[];
  /** Keys without an equal: an entry with one of them stays in the chain, for the reason given. */
  without?: { readonly [key: string]: string };
  /** True: the plugin ignores its capabilities when its entry has one of `keys`. */
  isDeafWithKeys?: boolean;
  /** True: the plugin may stand in a chain several times. */
  isRepeatable?: boolean;
  /** The differences for an entry with these fields. */
  differences: (entry: Fields) => Difference[];
}
