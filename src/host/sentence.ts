// What can be wrong with the node's end of a pod and with its bridge, one sentence each: CHECK and the doctor
// see it by the steps, `ls` and `draw` by one list of all links.

export const missingEnd = (name: string): string => `the host's end ${name} of the veth pair does not exist`;

export const downEnd = (name: string): string => `the host's end ${name} of the veth pair is down`;

export const missingBridge = (name: string): string => `bridge ${name} does not exist`;

export const downBridge = (name: string): string => `bridge ${name} is down`;

export const notPort = (name: string, bridge: string): string => `${name} is not a port of bridge ${bridge}`;

/** The sentence about a setting of a port, by its title, that is not as wanted. */
export const wrongSetting = (title: string, name: string, is: boolean): string =>
  `${title} of ${name} is ${is ? "on" : "off"}`;

/** The titles of settings of a port. */
export const HAIRPIN = "hairpin mode";
export const ISOLATION = "port isolation";
